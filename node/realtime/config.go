package realtime

import (
	"errors"
	"fmt"
)

// ErrConfig marks settings that no control loop can have.
var ErrConfig = errors.New("realtime: invalid settings")

// Config says what the thread of a control loop asks of the system.
type Config struct {
	Priority        int  `param:"priority" desc:"Real-time priority (SCHED_FIFO) of the control loop's thread; 0 leaves scheduling to the system." range:"[0, 99]"`
	ProcessPriority int  `param:"process_priority" desc:"Real-time priority of the node's other threads, which receive messages and which the control loop's thread waits for now and then; 0 leaves them alone." range:"[0, 98]"`
	LockMemory      bool `param:"lock_memory" desc:"Whether the node's memory is kept from being swapped out."`
	CPU             int  `param:"cpu" desc:"Processor that the control loop's thread stays on; -1 lets the system choose." range:"[-1, 1023]"`
}

// DefaultConfig returns priority 80: above what drivers and interrupts of a PREEMPT_RT kernel
// (50) have, below the kernel's own (99). The node's other threads get 1, above everything that
// has no real-time priority and below everything that has.
func DefaultConfig() Config {
	return Config{Priority: 80, ProcessPriority: 1, LockMemory: true, CPU: -1}
}

// Validate returns an error wrapping ErrConfig that names the key and what was expected.
func (c Config) Validate() error {
	switch {
	case c.Priority < 0 || c.Priority > 99:
		return fmt.Errorf("%w: priority is %d, expected 1 to 99, or 0 for none", ErrConfig, c.Priority)
	case c.ProcessPriority < 0 || c.ProcessPriority > 98:
		return fmt.Errorf("%w: process_priority is %d, expected 1 to 98, or 0 for none", ErrConfig, c.ProcessPriority)
	case c.ProcessPriority > 0 && c.ProcessPriority >= c.Priority:
		return fmt.Errorf("%w: process_priority is %d, expected less than the priority of the control loop, %d", ErrConfig, c.ProcessPriority, c.Priority)
	case c.CPU < -1 || c.CPU > 1023:
		return fmt.Errorf("%w: cpu is %d, expected 0 to 1023, or -1 for any", ErrConfig, c.CPU)
	}
	return nil
}
