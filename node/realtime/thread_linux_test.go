package realtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// thread is how the system schedules the calling thread.
type thread struct {
	policy, priority uint32
	flags            uint64
	slack, cpus      int
	locked           string // memory of the process
}

func current(t *testing.T) thread {
	t.Helper()
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	return thread{attr.Policy, attr.Priority, attr.Flags, slack, set.Count(), lockedMemory(t)}
}

// lockedMemory is what /proc/self/status says of it.
func lockedMemory(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmLck:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// usable returns a processor that the calling thread may use.
func usable(t *testing.T) int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			return cpu
		}
	}
	t.Fatal("no processor")
	return -1
}

// onThread runs f on a thread that is not used for anything else, so that what is left there
// by a failing test disturbs none.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// Each part is what was asked for, or there is a note; and Release undoes it.
func TestAdoptAndRelease(t *testing.T) {
	onThread(func() {
		before := current(t)
		cfg := Config{Priority: 7, LockMemory: true, CPU: usable(t)}
		adopted, notes := Adopt(cfg)
		during, told := current(t), strings.Join(notes, "\n")
		if ok := during.policy == unix.SCHED_FIFO && during.priority == 7 && during.flags&unix.SCHED_FLAG_RESET_ON_FORK != 0; ok == strings.Contains(told, "real-time priority") {
			t.Errorf("policy %d, priority %d, flags %#x; notes: %s", during.policy, during.priority, during.flags, told)
		}
		if ok := during.locked != "0 kB"; ok == strings.Contains(told, "swapped out") {
			t.Errorf("%s of memory are locked; notes: %s", during.locked, told)
		}
		if during.locked == "0 kB" && capable(unix.CAP_IPC_LOCK) {
			t.Errorf("this process may lock memory and has locked none; notes: %s", told)
		}
		if during.cpus != 1 || during.slack != 1 && during.policy != unix.SCHED_FIFO {
			t.Errorf("%d processors, a timer slack of %d ns, want 1 and 1; notes: %s", during.cpus, during.slack, told)
		}
		t.Logf("notes: %q", notes)
		adopted.Release()
		adopted.Release()
		after := current(t)
		if after.policy != before.policy || after.priority != before.priority || after.cpus != before.cpus || after.locked != before.locked {
			t.Errorf("%+v, before it was %+v", after, before)
		}
		if before.slack != after.slack {
			t.Errorf("timer slack of %d ns, before it was %d", after.slack, before.slack)
		}
	})
}

// Memory stays locked until the last thread is released.
func TestMemoryIsLockedForAll(t *testing.T) {
	if err := lockMemory(); err != nil {
		t.Skipf("needs the right to lock memory (CAP_IPC_LOCK, or memlock without a limit): %v", err)
	}
	unlockMemory()
	onThread(func() {
		a, _ := Adopt(Config{LockMemory: true, CPU: -1})
		b, _ := Adopt(Config{LockMemory: true, CPU: -1})
		a.Release()
		if lockedMemory(t) == "0 kB" {
			t.Error("nothing is locked after the first of two releases")
		}
		b.Release()
		if locked := lockedMemory(t); locked != "0 kB" {
			t.Errorf("%s are locked after both releases", locked)
		}
	})
}

// The other threads of the process get their priority, those that come later with the next
// call, and all lose it with the release.
func TestCompanions(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs the right to real-time priorities (CAP_SYS_NICE, or an rtprio limit), as root has")
	}
	ready, end := make(chan int), make(chan struct{})
	other := func() {
		runtime.LockOSThread()
		ready <- unix.Gettid()
		<-end
	}
	defer close(end)
	priority := func(tid int) (policy, priority uint32) {
		attr, err := unix.SchedGetAttr(tid, 0)
		if err != nil {
			t.Fatal(err)
		}
		return attr.Policy, attr.Priority
	}
	want := func(what string, tid int, policy, level uint32) {
		t.Helper()
		if p, l := priority(tid); p != policy || l != level {
			t.Errorf("%s has policy %d and priority %d, want %d and %d", what, p, l, policy, level)
		}
	}
	go other()
	first := <-ready
	onThread(func() {
		if err := fifo(0, 1); err != nil {
			t.Skipf("needs real-time priorities: %v", err)
		}
		restore(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr})
		adopted, notes := Adopt(Config{Priority: 9, ProcessPriority: 3, CPU: -1})
		if len(notes) > 0 {
			t.Error(notes)
		}
		want("a companion", first, unix.SCHED_FIFO, 3)
		want("the thread", 0, unix.SCHED_FIFO, 9)
		go other()
		second := <-ready
		if err := unix.SchedSetAttr(second, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH}, 0); err != nil {
			t.Fatal(err)
		}
		go other()
		third := <-ready
		// A new thread may come from one that has the priority already: it does not inherit.
		adopted.Companions()
		want("a companion that came later", third, unix.SCHED_FIFO, 3)
		want("a thread of another policy", second, unix.SCHED_BATCH, 0)
		out, err := exec.Command("sh", "-c", "cut -d' ' -f41 /proc/$$/stat").Output()
		if err != nil || strings.TrimSpace(string(out)) != "0" {
			t.Errorf("a child has policy %q, want 0, SCHED_OTHER (%v)", out, err)
		}
		adopted.Release()
		want("a companion after the release", first, unix.SCHED_NORMAL, 0)
		want("the thread after the release", 0, unix.SCHED_NORMAL, 0)
	})
}

// A user without privileges gets a thread, and is told what is missing and how to get it.
func TestWithoutPrivileges(t *testing.T) {
	if os.Getenv(unprivileged) != "" {
		onThread(func() {
			adopted, notes := Adopt(Config{Priority: 50, ProcessPriority: 1, LockMemory: true, CPU: 1023})
			for _, n := range notes {
				fmt.Println("note:", n)
			}
			timer := NewTimer(1e6)
			for range 5 {
				timer.Wait()
			}
			adopted.Release()
		})
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give up its privileges; without them TestAdoptAndRelease shows the notes")
	}
	// With a finite limit memory may be lockable now, but not what is mapped later: the program
	// would end then.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: min(limit.Cur, 1<<40), Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			t.Error(err)
		}
	}()
	c := exec.Command("/proc/self/exe", "-test.run=^(TestWithoutPrivileges|TestAdoptAndRelease)$", "-test.v")
	c.Env = append(os.Environ(), unprivileged+"=1")
	c.SysProcAttr = nobody()
	out, err := c.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("needs a test program that another user may run: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"SCHED_FIFO at 50", "rtprio 99", "limits.conf", "CAP_SYS_NICE", "memlock unlimited", "the limit on locked memory is finite", "CAP_IPC_LOCK", "processor 1023"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the notes do not say %q:\n%s", want, out)
		}
	}
}

const unprivileged = "REALTIME_TEST_UNPRIVILEGED"
