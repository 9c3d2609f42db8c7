package realtime_test

import (
	"runtime"
	"sync"
	"testing"

	"guidedpolicysearch/node/realtime"
)

// reading is written word by word, so that a torn one shows.
type reading struct{ words []int }

func newReading() reading { return reading{make([]int, 64)} }

func TestLatestPassesWholeValuesInOrder(t *testing.T) {
	const n = 200_000
	l := realtime.NewLatest(newReading)
	begun := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := 1; i <= n; i++ {
			if i == n/2 {
				<-begun // a busy machine may not have run the other one yet
			}
			words := l.Back().words
			for k := range words {
				words[k] = i
			}
			l.Publish()
			if i%97 == 0 {
				runtime.Gosched()
			}
		}
	}()
	last, taken := 0, 0
	for last < n {
		v, isNew := l.Take()
		first := v.words[0]
		for k, w := range v.words {
			if w != first {
				t.Fatalf("word %d of value %d is of value %d", k, first, w)
			}
		}
		if isNew && first <= last || !isNew && first != last {
			t.Fatalf("value %d after %d, new: %v", first, last, isNew)
		}
		if isNew {
			if taken++; taken == 1 {
				close(begun)
			}
		} else {
			runtime.Gosched()
		}
		last = first
	}
	wg.Wait()
	if v, isNew := l.Take(); isNew || v.words[0] != n {
		t.Errorf("in the end there is %d, new: %v, want %d", v.words[0], isNew, n)
	}
	if taken < 2 {
		t.Errorf("only %d values were taken: the two never ran at once", taken)
	}
}

func TestLatestStepByStep(t *testing.T) {
	l := realtime.NewLatest(func() int { return 7 })
	take := func(want int, wantNew bool) {
		t.Helper()
		if v, isNew := l.Take(); *v != want || isNew != wantNew {
			t.Errorf("takes %d, new: %v, want %d, %v", *v, isNew, want, wantNew)
		}
	}
	publish := func(v int, wantTaken bool) {
		t.Helper()
		*l.Back() = v
		if taken := l.Publish(); taken != wantTaken {
			t.Errorf("publishes %d: the one before was taken: %v, want %v", v, taken, wantTaken)
		}
	}
	take(7, false)
	publish(1, true)
	take(1, true)
	take(1, false)
	publish(2, true)
	publish(3, false)
	publish(4, false)
	held, _ := l.Take()
	publish(5, true)
	publish(6, false)
	*l.Back() = 99
	if *held != 4 {
		t.Errorf("the value that was taken became %d, want 4", *held)
	}
	take(6, true)
}

func TestLatestAllocatesNothing(t *testing.T) {
	l := realtime.NewLatest(newReading)
	if n := testing.AllocsPerRun(100, func() { l.Back().words[0]++; l.Publish(); l.Take() }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
