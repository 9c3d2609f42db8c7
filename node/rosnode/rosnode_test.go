package rosnode_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

const patience = time.Minute

// lines is a log that is written to and read.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// until waits for a line with a text.
func (l *lines) until(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		text := l.text.String()
		l.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log has no %q:\n%s", want, text)
		}
	}
}

// openOn opens the node /gps on a bus, until t ends.
func openOn(t *testing.T, bus *mem.Bus, quiet bool) *rosnode.Node {
	t.Helper()
	logs := t.TempDir()
	args, err := rcl.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.Declare(&struct {
		UseSimTime bool `param:"use_sim_time" desc:"Take the time from /clock." takes:"now"`
		Steps      int  `param:"steps" desc:"Horizon." range:"[1, 10]" takes:"start"`
	}{UseSimTime: true, Steps: 5})
	if err != nil {
		t.Fatal(err)
	}
	n, err := rosnode.Open(rosnode.Config{Args: args, Name: rcl.NodeName{Name: "gps", Namespace: "/"}, Set: set, Quiet: quiet,
		Open: func(o transport.Options) (transport.Node, error) { return bus.Open(o) },
		Getenv: func(name string) string {
			if name == "ROS_LOG_DIR" {
				return logs
			}
			return ""
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Start(nil, nil); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSimulatedTime has /clock go back, which is said, and then the system's time taken.
func TestSimulatedTime(t *testing.T) {
	var bus mem.Bus
	n := openOn(t, &bus, true)
	var log lines
	defer n.Log.Add(&log)()
	other, err := bus.Open(transport.Options{Name: "robot"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	p, err := other.Publisher("/clock", rostype.Of(new(rosgraph_msgs.Clock)), transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, sec := range []int32{12, 10} {
		m := rosgraph_msgs.Clock{Clock: builtin_interfaces.Time{Sec: sec}}
		if err := p.Publish(m.AppendCDR(nil)); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); n.Clock.Now() != int64(sec)*1e9; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the time is %d ns, want %d s", n.Clock.Now(), sec)
			}
		}
	}
	log.until(t, "the time on /clock went back by 2.0")
	if err := n.Parameters.Set([]paramservice.Assignment{{Name: "use_sim_time", Value: rcl.Value{Type: rcl.Bool}}}); err != nil {
		t.Fatal(err)
	}
	if n.Clock.Simulated() {
		t.Error("the time is simulated still")
	}
	log.until(t, "parameter use_sim_time is set to false (it was true)")
}

// TestTakenOverAtStart: a program without a lifecycle refuses what it has taken over.
func TestTakenOverAtStart(t *testing.T) {
	n := openOn(t, new(mem.Bus), true)
	err := n.Parameters.Set([]paramservice.Assignment{{Name: "steps", Value: rcl.Value{Type: rcl.Integer, Int: 6}}})
	if err == nil || !strings.Contains(err.Error(), "steps is taken over when the program starts") {
		t.Errorf("%v, want a refusal", err)
	}
}

// TestQuiet looks at standard error, which a quiet node leaves to its table.
func TestQuiet(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "stderr")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		stderr := os.Stderr
		os.Stderr = file
		n := openOn(t, new(mem.Bus), quiet)
		os.Stderr = stderr
		n.Log.Info("hello")
		// Closing waits for the terminal for no longer than half a second.
		for end := time.Now().Add(patience); !quiet && time.Now().Before(end); time.Sleep(time.Millisecond) {
			if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "hello") {
				break
			}
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(string(text), "hello"); said == quiet {
			t.Errorf("quiet %v: on standard error %q", quiet, text)
		}
		file.Close()
	}
}
