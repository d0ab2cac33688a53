package store

import "time"

// OwnProcess and Describe name processes as the store does.
var (
	OwnProcess = ownProcess
	Describe   = describe
)

// SetHeartbeat changes how often the store is looked after. It is called before the
// store is opened.
func (s *Store) SetHeartbeat(every time.Duration) { s.heartbeat = every }
