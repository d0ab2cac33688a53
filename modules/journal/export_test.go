package journal

import "time"

// SetWait sets how long a journal that was not started waits for its store.
func (j *Journal) SetWait(d time.Duration) { j.wait = d }
