package console

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// newTestTask is a task on a terminal of so many columns, where every report comes after a step.
func newTestTask(b *bytes.Buffer, total, columns int, step time.Duration) *Task {
	t := NewTask(b, "reading trials", total)
	now := time.Unix(0, 0)
	t.total, t.columns, t.now = total, func() int { return columns }, func() time.Time { now = now.Add(step); return now }
	return t
}

func TestTask(t *testing.T) {
	for _, c := range []struct {
		step time.Duration
		want string
	}{
		{time.Second, "reading trials: 100 of 400, 5 min left  25%"},
		{100 * time.Millisecond, "reading trials: 100 of 400, 30 s left  25%"},
		{time.Minute, "reading trials: 100 of 400, 5 h left  25%"},
		{10 * time.Hour, "reading trials: 100 of 400, days left  25%"},
	} {
		var b bytes.Buffer
		task := newTestTask(&b, 400, 80, c.step)
		for i := range 401 {
			task.Done(i)
		}
		task.Close()
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("%v per part: the bar never said %q", c.step, c.want)
		}
		lines := screen(b.String(), func(line []rune) {
			if len(line) >= 80 {
				t.Errorf("line of %d columns: %q", len(line), string(line))
			}
		})
		if left := strings.TrimSpace(strings.Join(lines, "")); left != "" {
			t.Errorf("%q stays on the terminal", left)
		}
	}
}

// TestTaskGoesOn begins in the middle, as work does that was cut off: what was done before says
// nothing of the time.
func TestTaskGoesOn(t *testing.T) {
	var b bytes.Buffer
	task := newTestTask(&b, 400, 80, time.Second)
	task.Done(300)
	task.Done(350)
	if !strings.Contains(b.String(), "350 of 400, 1 s left") {
		t.Errorf("%q", b.String())
	}
}

func TestTaskIsQuiet(t *testing.T) {
	var b bytes.Buffer
	task := NewTask(&b, "reading trials", 10)
	for i := range 11 {
		task.Done(i)
	}
	task.Close()
	narrow := newTestTask(&b, 10, minColumns-1, time.Second)
	narrow.Done(5)
	narrow.Close()
	narrow.Done(6)
	none := newTestTask(&b, 0, 80, time.Second)
	none.Done(0)
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

// TestTaskDrawsSeldom reports more often than anybody can see.
func TestTaskDrawsSeldom(t *testing.T) {
	var b bytes.Buffer
	task := newTestTask(&b, 10_000, 80, 10*time.Microsecond)
	for i := range 10_000 {
		task.Done(i)
	}
	if n := strings.Count(b.String(), "reading trials"); n > 10 {
		t.Errorf("drew %d pictures within 0.1 s", n)
	}
}
