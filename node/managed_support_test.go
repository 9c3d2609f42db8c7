package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/operator"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/trial"
)

const (
	taskFile = "../params/planar_arm.yaml"
	nodeName = "/" + DefaultName
	// patience bounds every wait of a test; it only says that something hangs.
	patience = 100 * time.Second
)

// managed is a node that runs in the test's process, with the test binary as its learner, and
// who looks at it from outside.
type managed struct {
	*operator.Operator
	t       *testing.T
	bus     *mem.Bus
	outside transport.Node
	folder  string
	ros     *rosnode.Node
	cancel  context.CancelFunc
	done    chan struct{}

	// when done
	result   *Result
	err      error
	panicked any

	mu       sync.Mutex
	commands [][]float64
	now      guided_policy_search_msgs.NodeState
	states   int                                         // joint states so far
	statuses map[string]diagnostic_msgs.DiagnosticStatus // by the task's name
}

// options change how startManaged starts a node.
type options struct {
	open    func(transport.Node) transport.Node // wraps the node's transport
	learner func(argv []string) []string        // wraps the learner's arguments
}

func quiet(dir string) func(string) string {
	return func(name string) string {
		if name == "ROS_LOG_DIR" {
			return dir
		}
		return ""
	}
}

// arguments are those of a node with the task's parameters and those given, name:=value.
func arguments(t *testing.T, parameters ...string) *rcl.Args {
	t.Helper()
	list := []string{"--ros-args", "--params-file", taskFile}
	for _, p := range parameters {
		list = append(list, "-p", p)
	}
	args, err := rcl.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return args
}

// startManaged starts a node on a short run, without a robot.
func startManaged(t *testing.T, o options, parameters ...string) *managed {
	t.Helper()
	m := &managed{t: t, bus: new(mem.Bus), folder: filepath.Join(t.TempDir(), "run"), done: make(chan struct{}), statuses: map[string]diagnostic_msgs.DiagnosticStatus{}}
	outside, err := m.bus.Open(transport.Options{Name: "outside"})
	if err != nil {
		t.Fatal(err)
	}
	m.outside, m.Operator = outside, operator.New(outside, nodeName)
	m.listen("/effort_controller/commands", new(std_msgs.Float64MultiArray).TypeName(), func(payload []byte) {
		var reader rosio.EffortReader
		if torque, err := reader.Read(payload, 2); err == nil {
			m.commands = append(m.commands, slices.Clone(torque))
		}
	})
	m.listen(diagnostics.Topic, new(diagnostic_msgs.DiagnosticArray).TypeName(), func(payload []byte) {
		var array diagnostic_msgs.DiagnosticArray
		if err := array.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		for _, s := range array.Status {
			_, task, _ := strings.Cut(s.Name, ": ")
			m.statuses[task] = s
		}
	})
	m.listen(nodeName+"/state", m.now.TypeName(), func(payload []byte) {
		if err := m.now.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
	})
	m.listen("/joint_states", new(sensor_msgs.JointState).TypeName(), func([]byte) { m.states++ })

	// A real-time thread would be that of all nodes in the process.
	args := arguments(t, append([]string{"loop.priority:=0", "loop.process_priority:=0", "loop.lock_memory:=false", "run_folder:=" + m.folder, "safety.stale_timeout:=60.0", "sentinel_timeout:=60.0", "iterations:=2", "samples:=2", "steps:=20"}, parameters...)...)
	setup, cfg, err := Load(args)
	if err != nil {
		t.Fatal(err)
	}
	m.ros, err = rosnode.Open(rosnode.Config{Args: args, Name: setup.Name, Set: setup.Set, Quiet: true, Getenv: quiet(t.TempDir()),
		Open: func(opt transport.Options) (transport.Node, error) {
			n, err := m.bus.Open(opt)
			if err != nil || o.open == nil {
				return n, err
			}
			return o.open(n), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	go func() {
		defer close(m.done)
		defer func() { m.panicked = recover() }()
		m.result, m.err = Run(ctx, cfg, setup, Options{ROS: m.ros, Terminal: logging.NewWriter(os.Stderr),
			Learner: func(folder string) []string {
				argv := append([]string{exe}, LearnerArguments(setup.Name, folder)...)
				if o.learner != nil {
					argv = o.learner(argv)
				}
				return argv
			}})
	}()
	t.Cleanup(func() {
		cancel()
		if !m.over(patience) {
			stacks := new(strings.Builder)
			_ = pprof.Lookup("goroutine").WriteTo(stacks, 1)
			t.Errorf("%v after it was told to end the node is still at it: %s\n%s", patience, m.stand(), stacks)
			return
		}
		if err := errors.Join(m.ros.Close(), outside.Close()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// listen counts what comes on a topic.
func (m *managed) listen(topic, typ string, note func(payload []byte)) {
	m.t.Helper()
	_, err := m.outside.Subscribe(topic, transport.Type{Name: typ}, transport.Default(), func(payload []byte, _ transport.Info) {
		m.mu.Lock()
		defer m.mu.Unlock()
		note(payload)
	}, nil)
	if err != nil {
		m.t.Fatal(err)
	}
}

// startRobot starts the task's simulated robot.
func (m *managed) startRobot(parameters ...string) {
	m.t.Helper()
	setup, cfg, err := LoadSimulator(arguments(m.t, parameters...))
	if err != nil {
		m.t.Fatal(err)
	}
	topics, err := SimulatorTopics(setup)
	if err != nil {
		m.t.Fatal(err)
	}
	n, err := m.bus.Open(transport.Options{Name: SimulatorName})
	if err != nil {
		m.t.Fatal(err)
	}
	driver, err := simrobot.New(*cfg, n, topics, func(string) {})
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- driver.Run(ctx) }()
	m.t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, n.Close()); err != nil {
			m.t.Error(err)
		}
	})
}

func (m *managed) until(what string, condition func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("still not so: %s; %s", what, m.stand())
		}
	}
}

// over tells whether the node is done within a time.
func (m *managed) over(within time.Duration) bool {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	select {
	case <-m.done:
		return true
	case <-deadline.C:
		return false
	}
}

// ends waits until the node is done.
func (m *managed) ends() {
	m.t.Helper()
	if !m.over(patience) {
		m.t.Fatalf("still not done: %s", m.stand())
	}
}

// endsAttended waits until the node is done while somebody takes care of it: faults are reset.
func (m *managed) endsAttended() {
	m.t.Helper()
	ctx := m.context()
	m.until("the node is done", func() bool {
		m.mu.Lock()
		fault := trial.Phase(m.now.Phase) == trial.Fault
		m.mu.Unlock()
		if fault {
			_, _ = m.Do(ctx, "reset_fault") // it may be over, and the node may have ended
		}
		return m.over(time.Millisecond)
	})
}

// stand says what the node is at, for a test that waits in vain.
func (m *managed) stand() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(m.log()), "\n")
	return fmt.Sprintf("the node is in phase %v of iteration %d, condition %d, sample %d, with fault %q, after %d ticks and %d faults; %d commands, %d joint states; the log ends with\n%s",
		trial.Phase(m.now.Phase), m.now.Iteration, m.now.Condition, m.now.Sample, m.now.Fault, m.now.Ticks, m.now.Faults, len(m.commands), m.states,
		strings.Join(lines[max(0, len(lines)-10):], "\n"))
}

func (m *managed) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	m.t.Cleanup(cancel)
	return ctx
}

// ask asks for a request or transition, and returns why it was refused.
func (m *managed) ask(request string) error {
	m.t.Helper()
	_, err := m.Do(m.context(), request)
	if err != nil && !errors.Is(err, operator.ErrRefused) {
		m.t.Fatal(err)
	}
	return err
}

func (m *managed) must(request string) {
	m.t.Helper()
	if err := m.ask(request); err != nil {
		m.t.Fatal(err)
	}
}

func (m *managed) is(state string) bool {
	m.t.Helper()
	now, err := m.State(m.context())
	if err != nil {
		m.t.Fatal(err)
	}
	return now == state
}

func (m *managed) set(name string, v rcl.Value) {
	m.t.Helper()
	results, err := paramservice.NewClient(m.outside, nodeName).Set(m.context(), []paramservice.Assignment{{Name: name, Value: v}})
	if err != nil || len(results) != 1 || !results[0].Successful {
		m.t.Fatal(err, results)
	}
}

// phase tells whether the node is in a phase, with a text in its fault.
func (m *managed) phase(p trial.Phase, fault string) func() bool {
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.now.Phase == uint8(p) && (fault == "") == (m.now.Fault == "") && strings.Contains(m.now.Fault, fault)
	}
}

// publisher opens a topic that the node listens to.
func (m *managed) publisher(topic string, message msgs.Message, q transport.QoS) transport.Publisher {
	m.t.Helper()
	p, err := m.outside.Publisher(topic, rostype.Of(message), q, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

// say publishes a payload to the node once it listens.
func (m *managed) say(p transport.Publisher, payload []byte) {
	m.t.Helper()
	m.until("the node hears", func() bool { return p.Matched() > 0 })
	if err := p.Publish(payload); err != nil {
		m.t.Fatal(err)
	}
}

// log is what the node has written into the run folder's log.
func (m *managed) log() string {
	data, _ := os.ReadFile(filepath.Join(m.folder, record.LogFile)) // none yet
	return string(data)
}

func (m *managed) counts() (commands, states int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.commands), m.states
}

// health is what the latest diagnostics say of a task.
func (m *managed) health(task string) diagnostic_msgs.DiagnosticStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.statuses[task]
}

// atRest wants the last torque to be zero.
func (m *managed) atRest() {
	m.t.Helper()
	m.until("the torque is zero", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.commands) > 0 && !slices.ContainsFunc(m.commands[len(m.commands)-1], func(v float64) bool { return v != 0 })
	})
}

func (m *managed) exists(path string) bool {
	_, err := os.Stat(filepath.Join(m.folder, path))
	return err == nil
}
