package realtime

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Thread is what a goroutine and its thread became by Adopt.
type Thread struct {
	cfg      Config
	before   *unix.SchedAttr
	slack    *int // ns, nil if it was not set
	affinity unix.CPUSet
	raised   []companion
	locked   bool // counted in locks
	released bool
}

// companion is another thread of the process, as it was.
type companion struct {
	tid    int
	before *unix.SchedAttr
}

// locks counts the threads for which the memory of the process is locked.
var locks struct {
	sync.Mutex
	n int
}

// Adopt locks the calling goroutine to its thread and gives that what cfg asks for: SCHED_FIFO
// (sched(7)), the least timer slack (prctl(2)), a processor, locked memory (mlock(2)); and the
// threads that the process has by now their own priority. What the system refuses is left as
// it was and told in notes, with the privilege that is missing. No child and no new thread
// inherits a priority. Settings that Validate refuses panic.
func Adopt(cfg Config) (t *Thread, notes []string) {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	runtime.LockOSThread()
	t = &Thread{cfg: cfg}
	if cfg.Priority > 0 {
		before, err := unix.SchedGetAttr(0, 0)
		if err == nil {
			err = fifo(0, cfg.Priority)
		}
		if err != nil {
			notes = append(notes, refusedPriority(err, cfg.Priority))
		} else {
			t.before = before
		}
		notes = append(notes, t.Companions()...)
	}
	// Without slack set the timers of a thread without priority may be 50 us late.
	if slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err == nil {
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err == nil {
			t.slack = &slack
		} else {
			notes = append(notes, fmt.Sprintf("the timer slack of the control loop's thread stays at %d ns: %v", slack, err))
		}
	}
	if cfg.CPU >= 0 {
		if note := t.pin(cfg.CPU); note != "" {
			notes = append(notes, note)
		}
	}
	if cfg.LockMemory {
		if err := lockMemory(); err != nil {
			notes = append(notes, refusedMemory(err))
		} else {
			t.locked = true
		}
	}
	return t, notes
}

// fifo gives a thread a real-time priority that nothing which it starts inherits.
func fifo(tid, priority int) error {
	return unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: uint32(priority)}, 0)
}

// Companions gives the other threads of the process, but those that have a real-time priority
// of somebody else's making, theirs (Config.ProcessPriority). Adopt has done so for the threads
// that were there; call it again before an arm moves, since the process starts threads as it
// needs them. It does nothing where the thread itself got no priority.
func (t *Thread) Companions() (notes []string) {
	if t.before == nil || t.cfg.ProcessPriority == 0 {
		return nil
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return []string{fmt.Sprintf("the node's other threads have no real-time priority: %v", err)}
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		before, err := unix.SchedGetAttr(tid, 0)
		if err != nil || before.Policy != unix.SCHED_NORMAL {
			continue // it has ended, is none of ours to change, or is t's own
		}
		if err := fifo(tid, t.cfg.ProcessPriority); err == nil {
			t.raised = append(t.raised, companion{tid, before})
		} else if !errors.Is(err, unix.ESRCH) {
			return []string{fmt.Sprintf("the node's other threads have no real-time priority of %d: %v", t.cfg.ProcessPriority, err)}
		}
	}
	return nil
}

// pin keeps the thread on a processor, and returns a note if it cannot.
func (t *Thread) pin(cpu int) string {
	if err := unix.SchedGetaffinity(0, &t.affinity); err != nil {
		return fmt.Sprintf("the control loop's thread does not stay on processor %d: %v", cpu, err)
	}
	var one unix.CPUSet
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		n := t.affinity.Count()
		t.affinity.Zero()
		return fmt.Sprintf("the control loop's thread does not stay on processor %d (loop.cpu), which this process may not use: it has %d processors", cpu, n)
	}
	return ""
}

// Release undoes what Adopt did, on the same goroutine. Calling it twice does nothing.
func (t *Thread) Release() {
	if t.released {
		return
	}
	t.released = true
	// Going back to less needs no privilege, and of threads that have ended none is left.
	for _, c := range t.raised {
		restore(c.tid, c.before)
	}
	if t.before != nil {
		restore(0, t.before)
	}
	if t.slack != nil {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(*t.slack), 0, 0, 0)
	}
	if t.affinity.Count() > 0 {
		_ = unix.SchedSetaffinity(0, &t.affinity)
	}
	if t.locked {
		unlockMemory()
	}
	runtime.UnlockOSThread()
}

// restore gives a thread its former scheduling. The flag stays: to take it away needs
// CAP_SYS_NICE, and without a priority it says nothing.
func restore(tid int, before *unix.SchedAttr) {
	before.Flags |= unix.SCHED_FLAG_RESET_ON_FORK
	_ = unix.SchedSetAttr(tid, before, 0)
}

// errLimit says that memory could be locked now, but that the program would end without memory
// when it grows.
var errLimit = errors.New("the limit on locked memory is finite")

// lockMemory locks what the process has mapped and will map, once it is touched: Go reserves
// far more than it uses, and every thread of the middleware maps a stack of 8 MB.
func lockMemory() error {
	locks.Lock()
	defer locks.Unlock()
	if locks.n == 0 {
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			return err
		}
		if limit.Cur != unix.RLIM_INFINITY && !capable(unix.CAP_IPC_LOCK) {
			return fmt.Errorf("%w, %d kB", errLimit, limit.Cur>>10)
		}
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
			return err
		}
	}
	locks.n++
	return nil
}

func unlockMemory() {
	locks.Lock()
	defer locks.Unlock()
	if locks.n--; locks.n == 0 {
		_ = unix.Munlockall() // it fails on no argument, having none
	}
}

// capable says if the thread has a capability (capabilities(7)).
func capable(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

func refusedPriority(err error, priority int) string {
	if !errors.Is(err, unix.EPERM) {
		return fmt.Sprintf("the control loop has no real-time priority of %d: %v", priority, err)
	}
	return fmt.Sprintf("the control loop has no real-time priority: the system refuses SCHED_FIFO at %d. Add \"@realtime - rtprio 99\" to /etc/security/limits.conf, put the user into the group realtime and log in again; or give the program CAP_SYS_NICE. In a cgroup of version 1 it may lack cpu.rt_runtime_us", priority)
}

func refusedMemory(err error) string {
	return fmt.Sprintf("the node's memory may be swapped out: it cannot be locked: %v. Add \"@realtime - memlock unlimited\" to /etc/security/limits.conf, put the user into the group realtime and log in again; or give the program CAP_IPC_LOCK", err)
}
