package watch

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

// Bounds on what is kept: a node that talks nonsense cannot fill the memory.
const (
	maxIterations = 100_000
	maxLogLines   = 20
	maxJoints     = 64
	maxText       = 500 // bytes of one line
)

// Silence is the time without a word after which a node, which reports five times a second, is taken
// for gone.
const Silence = 2 * time.Second

// Model is what is known of a node. It is safe for use by several goroutines.
type Model struct {
	node string // fully qualified name
	tell func(Event)

	mu         sync.Mutex
	heard      time.Time // the latest word of the node, zero for none yet
	state      guided_policy_search_msgs.NodeState
	told       bool // state is of the node
	iterations []guided_policy_search_msgs.IterationReport
	trial      *guided_policy_search_msgs.TrialReport // the latest
	health     map[string]part
	joints     sensor_msgs.JointState
	efforts    []float64
	names      []string  // of the joints that efforts are for
	limits     []float64 // of the efforts, N m or N; empty if they are not known
	log        []Event
	malformed  int
}

// part is the health of one part of the node.
type part struct {
	level   uint8
	message string
	values  map[string]string
}

// NewModel returns the model of a node with a fully qualified name. tell, which may be nil, is called
// for each event, in turn; it must not call the model.
func NewModel(node string, tell func(Event)) *Model {
	if tell == nil {
		tell = func(Event) {}
	}
	return &Model{node: node, tell: tell, health: map[string]part{}}
}

// Phase returns the name of a phase of NodeState.
func Phase(phase uint8) string {
	names := []string{"waiting", "reset", "run", "hold", "fault", "done", "relax"}
	if int(phase) < len(names) {
		return names[phase]
	}
	return fmt.Sprintf("phase %d", phase)
}

// Robot tells which joints the efforts are for, in order, and their limits in N m or N.
func (m *Model) Robot(joints []string, limits []float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names, m.limits = joints, limits
}

// decode decodes a payload; one that is no such message is counted and told of once.
func (m *Model) decode(topic string, message msgs.Message, payload []byte, now time.Time) bool {
	err := message.UnmarshalCDR(payload)
	if err == nil {
		return true
	}
	if m.malformed++; m.malformed == 1 {
		m.tell(Event{Kind: MalformedEvent, Time: now, Values: []Value{{"topic", topic}, {"error", err.Error()}},
			Text: fmt.Sprintf("a message on %s is no %s: %v; further ones are counted", topic, message.TypeName(), err)})
	}
	return false
}

// State takes a message of ~/state.
func (m *Model) State(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var s guided_policy_search_msgs.NodeState
	if !m.decode("~/state", &s, payload, now) {
		return
	}
	s.Fault = short(s.Fault)
	before, first := m.state, !m.told
	m.state, m.told, m.heard = s, true, now
	if !first && before.Phase == s.Phase && before.Iteration == s.Iteration && before.Condition == s.Condition && before.Sample == s.Sample && before.Fault == s.Fault {
		return
	}
	text := fmt.Sprintf("%s, iteration %d of %d, condition %d, trial %d of %d", Phase(s.Phase), s.Iteration, s.Iterations, s.Condition, s.Sample+1, s.Samples)
	if s.Fault != "" {
		text += "; fault: " + s.Fault
	}
	m.tell(Event{Kind: StateEvent, Time: now, Text: text, Values: []Value{{"phase", Phase(s.Phase)}, {"iteration", uint64(s.Iteration)}, {"iterations", uint64(s.Iterations)},
		{"condition", uint64(s.Condition)}, {"sample", uint64(s.Sample)}, {"fault", s.Fault}, {"faults", s.Faults}, {"ticks", s.Ticks}}})
}

// Iteration takes a message of ~/iteration.
func (m *Model) Iteration(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var r guided_policy_search_msgs.IterationReport
	if !m.decode("~/iteration", &r, payload, now) {
		return
	}
	m.heard = now
	// A run that begins anew, or a report that a late subscriber gets again.
	keep := slices.IndexFunc(m.iterations, func(o guided_policy_search_msgs.IterationReport) bool { return o.Iteration >= r.Iteration })
	if keep >= 0 {
		if m.iterations[keep].Iteration == r.Iteration && m.iterations[keep].Stamp == r.Stamp {
			return
		}
		m.iterations = m.iterations[:keep]
	}
	if len(m.iterations) < maxIterations {
		m.iterations = append(m.iterations, r)
	}
	text := fmt.Sprintf("%d of %d: mean cost %.4g, best %.4g, KL %.3g nat, eta %.3g", r.Iteration, r.Iterations, r.MeanCost, r.BestCost, r.Kl, r.Eta)
	if r.EndEffectorError == r.EndEffectorError {
		text += fmt.Sprintf(", error %.3g m", r.EndEffectorError)
	}
	if r.SuccessRate == r.SuccessRate {
		text += fmt.Sprintf(", success %.0f %%", 100*r.SuccessRate)
	}
	if r.RolledBack {
		text += ", policy rolled back"
	}
	m.tell(Event{Kind: IterationEvent, Time: now, Text: text, Values: []Value{{"iteration", uint64(r.Iteration)}, {"iterations", uint64(r.Iterations)}, {"mean_cost", r.MeanCost}, {"best_cost", r.BestCost},
		{"sample_cost", r.SampleCost}, {"kl", r.Kl}, {"eta", r.Eta}, {"step_multiplier", r.StepMultiplier}, {"error_m", r.EndEffectorError}, {"success_rate", r.SuccessRate},
		{"policy_kl", r.PolicyKl}, {"policy_loss", r.PolicyLoss}, {"rolled_back", r.RolledBack}, {"update_seconds", r.UpdateSeconds}, {"seconds", r.Seconds}}})
}

// Trial takes a message of ~/trial.
func (m *Model) Trial(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := new(guided_policy_search_msgs.TrialReport)
	if !m.decode("~/trial", r, payload, now) {
		return
	}
	m.heard, m.trial = now, r
	m.tell(Event{Kind: TrialEvent, Time: now, Text: fmt.Sprintf("iteration %d, condition %d, sample %d: cost %.4g, %.3g s, %s", r.Iteration, r.Condition, r.Sample, r.Cost, r.Duration, short(r.Rollout)),
		Values: []Value{{"iteration", uint64(r.Iteration)}, {"condition", uint64(r.Condition)}, {"sample", uint64(r.Sample)}, {"cost", r.Cost}, {"duration_s", r.Duration}, {"faults", uint64(r.Faults)},
			{"final_state", r.FinalState}, {"rollout", r.Rollout}}})
}

// Diagnostics takes a message of /diagnostics, which other nodes publish on too.
func (m *Model) Diagnostics(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var a diagnostic_msgs.DiagnosticArray
	if !m.decode("/diagnostics", &a, payload, now) {
		return
	}
	// diagnostic_updater names its parts "node: part", with the node's name without its namespace.
	prefix := m.node[strings.LastIndexByte(m.node, '/')+1:] + ": "
	for _, s := range a.Status {
		name, own := strings.CutPrefix(s.Name, prefix)
		if !own {
			continue
		}
		p := part{level: s.Level, message: short(s.Message), values: make(map[string]string, len(s.Values))}
		for _, v := range s.Values {
			p.values[v.Key] = v.Value
		}
		before, known := m.health[name]
		if !known && len(m.health) >= maxJoints {
			continue
		}
		m.health[name], m.heard = p, now
		if known && before.level == p.level || !known && p.level == diagnostic_msgs.DiagnosticStatus_OK {
			continue
		}
		m.tell(Event{Kind: DiagnosticsEvent, Time: now, Text: fmt.Sprintf("%s %s: %s", level(p.level), name, p.message), Values: []Value{{"part", name}, {"level", level(p.level)}, {"message", p.message}}})
	}
}

func level(l uint8) string {
	names := []string{"ok", "warn", "error", "stale"}
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("level %d", l)
}

// Log takes a message of /rosout, where all nodes log.
func (m *Model) Log(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var l rcl_interfaces.Log
	if !m.decode("/rosout", &l, payload, now) || l.Level < rcl_interfaces.Log_WARN {
		return
	}
	// A logger's name is the node's, with dots.
	if name := strings.ReplaceAll(strings.TrimPrefix(m.node, "/"), "/", "."); l.Name != name && !strings.HasPrefix(l.Name, name+".") {
		return
	}
	severity := "warn"
	if l.Level >= rcl_interfaces.Log_ERROR {
		severity = "error"
	}
	e := Event{Kind: LogEvent, Time: now, Text: severity + ": " + short(l.Msg), Values: []Value{{"level", severity}, {"message", l.Msg}}}
	if len(m.log) == maxLogLines {
		m.log = slices.Delete(m.log, 0, 1)
	}
	m.log = append(m.log, e)
	m.heard = now
	m.tell(e)
}

// JointStates takes a message of the robot's joint states.
func (m *Model) JointStates(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var j sensor_msgs.JointState
	if m.decode("joint_states", &j, payload, now) && len(j.Name) <= maxJoints && len(j.Position) == len(j.Name) {
		m.joints = j
	}
}

// Commands takes a message of the robot's efforts.
func (m *Model) Commands(payload []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var c std_msgs.Float64MultiArray
	if m.decode("commands", &c, payload, now) && len(c.Data) <= maxJoints {
		m.efforts = c.Data
	}
}

// Topics returns the topics that diagnostics name for the joint states and the commands, "" for
// those not known yet.
func (m *Model) Topics() (jointStates, commands string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.health["joint_states"].values["topic"], m.health["commands"].values["topic"]
}

// short makes a text one line of bounded length, without control characters.
func short(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}
