package node

import (
	"strings"
	"testing"
	"time"
)

// TestStopAmongRequests: where all places for requests are taken, a stop is carried out
// nevertheless.
func TestStopAmongRequests(t *testing.T) {
	started, busy, over := 0, make(chan struct{}), make(chan struct{})
	m := startManaged(t, options{learner: func(argv []string) []string {
		if started++; started == 2 { // on the supervisor's goroutine, which waits here
			close(busy)
			<-over
		}
		if started == 1 {
			return []string{"sleep", "0.2"}
		}
		return lasting(argv)
	}}, "exit_when_done:=false")
	m.startRobot()
	<-busy
	refused := make(chan string, 2*maxRequests)
	for range 2 * maxRequests {
		go func() {
			_, err := m.Do(m.context(), "save")
			refused <- err.Error()
		}()
	}
	for text := ""; !strings.Contains(text, "requests are waiting already"); {
		select {
		case text = <-refused:
		case <-time.After(patience):
			t.Fatal("requests found room without end")
		}
	}
	answer, err := m.Do(m.context(), "stop")
	if err != nil || answer != stopped {
		t.Errorf("stop: %q, %v", answer, err)
	}
	close(over)
	m.until("the node is inactive", func() bool { s, err := m.State(m.context()); return err == nil && s == "inactive" })
}
