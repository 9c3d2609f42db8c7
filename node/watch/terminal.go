package watch

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// refresh is how often the screen is drawn.
const refresh = 200 * time.Millisecond

// Control sequences of ECMA-48, and xterm's second screen, which every terminal knows.
const (
	enter = "\x1b[?1049h\x1b[?25l" // second screen, no cursor
	leave = "\x1b[?25h\x1b[?1049l"
	home  = "\x1b[H"
	rest  = "\x1b[K" // clear to the end of the line
	below = "\x1b[J" // clear what is below
)

// The size of a terminal that does not tell its own, as those that script and some containers
// make: 0 columns.
const (
	usualWidth  = 80
	usualHeight = 24
)

// Draw draws the model on a terminal until ctx ends; size tells its columns and lines, whenever it is
// asked, 0 where it is not known. What was on the terminal before is there again afterwards.
func (m *Model) Draw(ctx context.Context, terminal io.Writer, size func() (width, height int)) (err error) {
	if _, err := io.WriteString(terminal, enter); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer func() {
		if _, e := io.WriteString(terminal, leave); err == nil && e != nil {
			err = fmt.Errorf("watch: %w", e)
		}
	}()
	ticks := time.NewTicker(refresh)
	defer ticks.Stop()
	for {
		width, height := size()
		if width <= 0 || height <= 0 {
			width, height = usualWidth, usualHeight
		}
		screen := strings.ReplaceAll(m.Screen(width, height, time.Now()), "\n", rest+"\r\n")
		if _, err := io.WriteString(terminal, home+screen+rest+below); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}
