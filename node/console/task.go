package console

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Task shows how far work of a known number of parts is, with the time that is left. It writes only
// where there is a terminal of at least 50 columns. Its methods may be called from several
// goroutines.
type Task struct {
	mu      sync.Mutex
	w       io.Writer
	what    string
	total   int
	columns func() int       // of the terminal now
	now     func() time.Time // for tests
	shown   time.Time        // when the bar was drawn last
	left    remaining
	bar     *progressbar.ProgressBar // nil if there is none
	width   int
}

// redraw is the least time between two pictures of a task's bar.
const redraw = 50 * time.Millisecond

// NewTask returns the bar of work in total parts, >= 0, that is called what ("reading trials"). It
// draws nothing unless w is a terminal; see IsTerminal.
func NewTask(w io.Writer, what string, total int) *Task {
	t := &Task{w: w, what: what, total: total, columns: func() int { return columns(w) }, now: time.Now}
	if !IsTerminal(w) {
		t.total = 0
	}
	return t
}

// Done says that so many parts are done, of the total of NewTask.
func (t *Task) Done(parts int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total == 0 {
		return
	}
	now := t.now()
	t.left.begin(now, parts)
	if parts < t.total && now.Sub(t.shown) < redraw {
		return
	}
	t.shown = now
	text := fmt.Sprintf("%s: %d of %d%s", t.what, parts, t.total, t.left.text(now, parts, t.total))
	// As wide as the longest text, so that the bar stays where it is.
	room := t.columns() - barMargin - len(t.what) - len(fmt.Sprintf(": %d of %d", t.total, t.total)) - longestLeft
	width := min(maxBarWidth, room)
	if t.columns() < minColumns || width < minBarWidth {
		t.clear()
		return
	}
	if t.bar == nil || width != t.width {
		t.clear()
		t.width, t.bar = width, newBar(t.w, width, t.total)
	}
	t.bar.Describe(text)
	// A terminal that does not take the bar is no reason to end the work.
	_ = t.bar.Set(max(0, min(parts, t.total)))
}

// Close takes the bar away.
func (t *Task) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	t.total = 0
}

func (t *Task) clear() {
	if t.bar != nil {
		_ = t.bar.Clear()
	}
	t.bar = nil
}

// remaining tells how long work will go on, by how long its parts took so far.
type remaining struct {
	start time.Time // zero before begin
	first int       // parts that were done then, by somebody before
}

// begin says that work with so many parts done goes on now; only the first call counts.
func (r *remaining) begin(now time.Time, done int) {
	if r.start.IsZero() {
		r.start, r.first = now, done
	}
}

// longestLeft is the length of the longest text of remaining.
const longestLeft = len(", 59 min left")

// text returns ", 12 s left", or "" where nothing is known yet, or everything is done.
func (r *remaining) text(now time.Time, done, total int) string {
	part, elapsed := done-r.first, now.Sub(r.start)
	if r.start.IsZero() || part < 1 || done >= total || elapsed <= 0 {
		return ""
	}
	switch left := elapsed.Seconds() / float64(part) * float64(total-done); {
	case left < 60:
		return fmt.Sprintf(", %.0f s left", left)
	case left < 3600:
		return fmt.Sprintf(", %.0f min left", left/60)
	case left < 100*3600:
		return fmt.Sprintf(", %.0f h left", left/3600)
	default:
		return ", days left"
	}
}
