package realtime_test

import (
	"runtime"
	"testing"
	"time"

	"guidedpolicysearch/node/realtime"
)

// patience is what no wait in these tests takes unless it never ends.
const patience = time.Minute

// processors has the Go runtime have one for each goroutine of a test: a wait keeps its own.
func processors(t *testing.T) {
	before := runtime.GOMAXPROCS(4)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

func TestEventStepByStep(t *testing.T) {
	e := realtime.NewEvent()
	want := func(what string, timeout time.Duration, set bool) {
		t.Helper()
		if e.Wait(timeout) != set {
			t.Errorf("%s: the wait says %v", what, !set)
		}
	}
	want("new", time.Millisecond, false)
	want("new, without patience", 0, false)
	e.Set()
	want("set", patience, true)
	want("taken", time.Millisecond, false)
	e.Set()
	e.Set()
	want("set twice", 0, true)
	want("taken once", -time.Second, false)
}

// None of many wake-ups is lost, whichever comes first, waiting or setting.
func TestEventLosesNothing(t *testing.T) {
	processors(t)
	const n = 20_000
	there, back := realtime.NewEvent(), realtime.NewEvent()
	ended := make(chan int, 1)
	go func() {
		for i := range n {
			if !there.Wait(patience) {
				ended <- i
				return
			}
			if i%3 == 0 {
				runtime.Gosched()
			}
			back.Set()
		}
		ended <- n
	}()
	for i := range n {
		there.Set()
		if i%5 == 0 {
			runtime.Gosched()
		}
		if !back.Wait(patience) {
			t.Fatalf("no answer to set %d", i)
		}
	}
	if got := <-ended; got != n {
		t.Errorf("wait %d of %d ended without a set", got, n)
	}
}

// The values that are passed are there when the wait ends.
func TestEventWithLatest(t *testing.T) {
	processors(t)
	const n = 10_000
	l, arrived, taken := realtime.NewLatest(func() int { return 0 }), realtime.NewEvent(), realtime.NewEvent()
	go func() {
		for i := 1; i <= n; i++ {
			*l.Back() = i
			l.Publish()
			arrived.Set()
			taken.Wait(patience)
		}
	}()
	for want := 1; want <= n; want++ {
		if !arrived.Wait(patience) {
			t.Fatal("no value")
		}
		if v, isNew := l.Take(); *v != want || !isNew {
			t.Fatalf("value %d, new: %v, want %d", *v, isNew, want)
		}
		taken.Set()
	}
}

// A sleeping wait does not keep the world from being stopped.
func TestEventLetsTheWorldStop(t *testing.T) {
	processors(t)
	e := realtime.NewEvent()
	ended := make(chan bool, 1)
	go func() {
		runtime.LockOSThread()
		ended <- e.Wait(patience)
	}()
	for range 20 {
		runtime.GC()
	}
	select {
	case <-ended:
		t.Fatal("the wait has ended by itself")
	default:
	}
	e.Set()
	if !<-ended {
		t.Error("the wait ends without the set")
	}
}

func TestEventAllocatesNothing(t *testing.T) {
	e := realtime.NewEvent()
	if n := testing.AllocsPerRun(100, func() { e.Set(); e.Wait(patience); e.Wait(time.Microsecond) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
