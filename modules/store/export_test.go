package store

import "time"

// OwnProcess and Describe name processes as the store does.
var (
	OwnProcess = ownProcess
	Describe   = describe
)

// SetPace changes how often the store is looked after, and how long its database may
// take to answer then. It is called before the store is opened.
func (s *Store) SetPace(heartbeat, patience time.Duration) {
	s.heartbeat, s.patience = heartbeat, patience
}
