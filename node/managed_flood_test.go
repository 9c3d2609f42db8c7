package node

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestStopAmongRequests: where all places for requests are taken, a stop is carried out
// nevertheless.
func TestStopAmongRequests(t *testing.T) {
	started, busy, over := 0, make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(over) })
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
	t.Cleanup(release)
	m.startRobot()
	<-busy
	m.flood()
	answer, err := m.Do(m.context(), "stop")
	if err != nil || answer != stopped {
		t.Errorf("stop: %q, %v", answer, err)
	}
	release()
	m.until("the node is inactive", func() bool { s, err := m.State(m.context()); return err == nil && s == "inactive" })
}

// flood takes all places for requests of a node whose supervisor is busy.
func (m *managed) flood() {
	m.t.Helper()
	refused := make(chan string, 1000)
	full := false
	for deadline := time.Now().Add(patience); !full; {
		if time.Now().After(deadline) {
			m.t.Fatal("requests find room without end")
		}
		go func() {
			_, err := m.Do(m.context(), "save")
			refused <- err.Error()
		}()
		select {
		case text := <-refused:
			full = strings.Contains(text, "requests are waiting already")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
