package safety_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"guidedpolicysearch/hardware/safety"
)

func TestDeadlinesInARow(t *testing.T) {
	c := safety.DefaultConfig()
	c.MissedInARow, c.MissedPerSecond = 3, 0
	d := safety.NewDeadlines(c)
	for i, late := range []bool{true, true, false, true, true, true, true, false, true} {
		f := d.Tick(count(late), 0)
		if want := i == 5 || i == 6; (f.Kind == safety.MissedDeadlines) != want || want && (f.Bound != 3 || f.Limit != 0) {
			t.Errorf("tick %d: %+v", i, f)
		}
	}
	if d.Missed() != 7 {
		t.Errorf("%d missed, want 7", d.Missed())
	}
	d.Tick(1, 0)
	if d.Reset(); d.Tick(1, 0).Kind != safety.NoFault || d.Missed() != 9 {
		t.Errorf("a reset forgets the row and not the count, %d", d.Missed())
	}
}

// TestDeadlinesPerSecond compares with a count over all misses of the last second.
func TestDeadlinesPerSecond(t *testing.T) {
	c := safety.DefaultConfig()
	c.MissedInARow, c.MissedPerSecond = 0, 7
	d := safety.NewDeadlines(c)
	rng := rand.New(rand.NewPCG(1, 1))
	var misses []int64
	now, faults := int64(0), 0
	for range 20000 {
		now += rng.Int64N(int64(200 * time.Millisecond))
		late := rng.IntN(2) == 0
		if late {
			misses = append(misses, now)
		}
		recent := 0
		for i := len(misses) - 1; i >= 0 && now-misses[i] < int64(time.Second); i-- {
			recent++
		}
		f := d.Tick(count(late), now)
		if want := late && recent >= 7; (f.Kind == safety.MissedDeadlines) != want {
			t.Fatalf("at %d: fault %v with %d misses in the last second", now, f, recent)
		} else if want {
			faults++
		}
	}
	if faults < 100 || faults > 10000 {
		t.Errorf("%d faults, too few or too many to say anything", faults)
	}
}

func TestDeadlinesASecondApart(t *testing.T) {
	c := safety.DefaultConfig()
	c.MissedInARow, c.MissedPerSecond = 0, 2
	d := safety.NewDeadlines(c)
	for now, want := range []bool{false, false, true} { // at 0, 1 s, and 1 ns less than 1 s later
		at := int64(now)*int64(time.Second) - int64(now/2)
		if f := d.Tick(1, at); (f.Kind == safety.MissedDeadlines) != want {
			t.Errorf("at %d: %v", at, f)
		}
	}
	if d.Reset(); d.Tick(1, int64(2*time.Second)-1).Kind != safety.NoFault {
		t.Error("a reset does not forget the misses")
	}
}

func TestNoDeadlines(t *testing.T) {
	c := safety.DefaultConfig()
	c.MissedInARow, c.MissedPerSecond = 0, 0
	d := safety.NewDeadlines(c)
	for range 1000 {
		if f := d.Tick(1, 1); f.Kind != safety.NoFault {
			t.Fatal(f)
		}
	}
}

func TestWatchdog(t *testing.T) {
	w := safety.NewWatchdog(time.Second)
	if _, ok := w.Deadline(); ok || w.Silent(int64(time.Hour)).Kind != safety.NoFault {
		t.Error("waits for a sign of life before the first")
	}
	w.Touch(10)
	if at, ok := w.Deadline(); !ok || at != int64(time.Second)+11 || w.Silent(at-1).Kind != safety.NoFault {
		t.Errorf("deadline %d, %v; fault before it %v", at, ok, w.Silent(at-1))
	} else if f := w.Silent(at); f.Kind != safety.LearnerSilent || f.Duration != time.Second+1 || f.Limit != time.Second {
		t.Errorf("at the deadline: %+v", f)
	}
	if w.Rest(); w.Silent(int64(time.Hour)).Kind != safety.NoFault {
		t.Error("waits while it rests")
	}
	w = safety.NewWatchdog(0)
	w.Touch(0)
	if _, ok := w.Deadline(); ok || w.Silent(int64(time.Hour)).Kind != safety.NoFault {
		t.Error("a time-out of 0 is none")
	}
}

func count(late bool) int {
	if late {
		return 1
	}
	return 0
}

// TestDeadlinesOfAStall: ticks that did not come in one stall count one by one.
func TestDeadlinesOfAStall(t *testing.T) {
	c := safety.DefaultConfig()
	c.MissedInARow, c.MissedPerSecond = 20, 0
	if f := safety.NewDeadlines(c).Tick(19, 1); f.Kind != safety.NoFault {
		t.Errorf("19 of 20: %v", f)
	}
	if f := safety.NewDeadlines(c).Tick(1<<40, 1); f.Kind != safety.MissedDeadlines {
		t.Errorf("many of 20: %v", f)
	}
	c.MissedInARow, c.MissedPerSecond = 0, 20
	if f := safety.NewDeadlines(c).Tick(20, 1); f.Kind != safety.MissedDeadlines || f.Limit == 0 {
		t.Errorf("20 of 20 per second: %v", f)
	}
}
