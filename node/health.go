package node

import (
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// health is what the supervisor and the loop know, for the diagnostics' goroutine.
type health struct {
	mu        sync.Mutex
	learner   int  // process id, 0 if there is none
	runs      bool // a policy, without a learner
	restarts  int  // of learners, since the start
	iteration int
	meanCost  float64
	folder    string
	ended     string // what ended the run
	states    *diagnostics.Frequency
	commands  *diagnostics.Frequency
	malformed atomic.Uint64 // messages to ~/start and its like that are none

	// for the diagnostics' goroutine alone
	dropped, overruns recent // messages, and control ticks that were late
}

// recent follows a count.
type recent struct {
	count uint64
	at    int64 // steady time of its latest change, 0 for never
}

// changeStays is how long a dropped message, or a late tick, is worth a warning.
const changeStays = 10 * time.Second

// changed takes the present count, and tells whether it has grown within changeStays.
func (r *recent) changed(count uint64, now int64) bool {
	if count > r.count {
		r.at = now
	}
	r.count = count // a new loop counts from 0
	return r.at != 0 && now-r.at < int64(changeStays)
}

// restart counts a learner that had to be started again.
func (h *health) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restarts++
}

// reportHealth adds the tasks of /diagnostics.
func (n *node) reportHealth() {
	n.health.states = diagnostics.NewFrequency(diagnostics.FrequencyConfig{}, nil)
	n.health.commands = diagnostics.NewFrequency(diagnostics.FrequencyConfig{}, nil)
	d := n.ros.Diagnostics
	d.Add("arm", n.armHealth)
	d.Add("learning", n.learningHealth)
	d.Add("timing", n.timingHealth)
	d.Add("joint_states", n.jointStatesHealth)
	d.Add("commands", n.commandsHealth)
	d.Add("middleware", n.middlewareHealth)
}

// armHealth says what the control loop does.
func (n *node) armHealth(s *diagnostics.Status) {
	l := n.loop.Load()
	if l == nil {
		s.Summary(diagnostics.OK, "%v, no torque is commanded", n.states.State())
		return
	}
	st := l.status()
	level, text := diagnostics.OK, st.phase.String()
	switch {
	case st.phase == trial.Fault:
		level, text = diagnostics.Error, "a fault is latched: "+st.fault.String()
	case st.phase == trial.Relax:
		text = "relax: the arm is let go of; ~/start goes on"
	case st.phase == trial.Wait:
		level, text = diagnostics.Warn, "waiting for joint states"
	}
	s.Summary(level, "%s", text)
	s.Add("phase", st.phase)
	s.Add("iteration", st.iteration)
	s.Add("condition", st.condition)
	s.Add("sample", st.sample)
	s.Add("control ticks", st.ticks)
	s.Add("faults", st.faults)
}

// learningHealth says how far the learning is.
func (n *node) learningHealth(s *diagnostics.Status) {
	h := &n.health
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Summary(diagnostics.OK, "%v", n.states.State())
	if n.states.State() == lifecycle.Active && h.learner == 0 && !h.runs {
		s.Merge(diagnostics.Error, "no learner is running; the arm is held")
	}
	if h.ended != "" {
		s.Summary(diagnostics.Error, "%s", h.ended)
	}
	s.Add("learner process", h.learner)
	s.Add("learner restarts", h.restarts)
	s.Add("iterations done", h.iteration)
	s.Add("mean cost", h.meanCost)
	s.Add("run folder", h.folder)
}

// jointStatesHealth says what comes from the robot.
func (n *node) jointStatesHealth(s *diagnostics.Status) {
	n.health.states.Update(s)
	if s.Level() == diagnostics.OK {
		if err := n.probe.Load().problem(); err != nil && n.loop.Load() == nil {
			s.Merge(diagnostics.Warn, "%v", err)
		}
	}
	if text := n.rivals(); text != "" {
		s.Merge(diagnostics.Warn, "%s", text)
	}
	s.Add("topic", n.names[jointStatesTopic])
	s.Add("publishers", n.probe.Load().publishers.Load())
	s.Add("messages", n.health.states.Count())
}

// commandsHealth says what goes to the robot, and whether anybody else commands it.
func (n *node) commandsHealth(s *diagnostics.Status) {
	n.health.commands.Update(s)
	if l := n.loop.Load(); l != nil {
		st := l.status()
		if st.failures > 0 {
			s.Merge(diagnostics.Error, "%d commands were not published: %v", st.failures, st.lastErr)
		}
	}
	s.Add("topic", n.names[commandsTopic])
	s.Add("messages", n.health.commands.Count())
	graph, err := n.ros.Graph()
	if err != nil {
		s.Merge(diagnostics.Warn, "the graph is not known: %v", err)
		return
	}
	active := n.loop.Load() != nil
	others := graph.Publishers(n.names[commandsTopic])
	if n.publishes.Load() {
		others--
	}
	if others > 0 {
		s.Merge(diagnostics.Error, "%d others publish efforts on %s: two controllers must not drive one arm", others, n.names[commandsTopic])
	}
	if active && graph.Subscriptions(n.names[commandsTopic]) == 0 {
		s.Merge(diagnostics.Warn, "nobody listens on %s", n.names[commandsTopic])
	}
}

// middlewareHealth says what the middleware dropped, and whether the node's name is its own.
func (n *node) middlewareHealth(s *diagnostics.Status) {
	s.Summary(diagnostics.OK, "messages arrive whole")
	st := n.ros.Stats()
	h, now := &n.health, n.ros.Clock.Steady()
	requests := h.malformed.Load() + n.states.Stats().Malformed + n.training.server.Stats().Malformed + n.ros.Malformed()
	if h.dropped.changed(st.Malformed+st.TooLarge+requests, now) {
		s.Merge(diagnostics.Warn, "messages were dropped that are none of their topic's type")
	}
	s.Add("malformed", st.Malformed)
	s.Add("too large", st.TooLarge)
	s.Add("malformed requests and times", requests)
	s.Add("log lines dropped", n.ros.Log.Dropped())
	graph, err := n.ros.Graph()
	if err != nil {
		s.Merge(diagnostics.Warn, "the graph is not known: %v", err)
		return
	}
	if same := namesakes(&graph, n.ros.Name.FQN()); same > 1 {
		s.Merge(diagnostics.Warn, "%d nodes are called %s: give them namespaces or names of their own", same, n.ros.Name.FQN())
	}
}

func namesakes(g *transport.Graph, fqn string) int {
	count := 0
	for _, node := range g.Nodes {
		if node.FQN() == fqn {
			count++
		}
	}
	return count
}

// noteHealth has the supervisor's view for the diagnostics.
func (n *node) noteHealth() {
	h := &n.health
	h.mu.Lock()
	defer h.mu.Unlock()
	h.learner, h.folder, h.runs = 0, "", n.runner != nil
	if n.process != nil {
		h.learner = n.process.PID()
	}
	if n.session != nil {
		h.folder = n.session.run.Dir()
		if k := len(n.session.reports); k > 0 {
			h.iteration, h.meanCost = n.session.reports[k-1].Iteration, n.session.reports[k-1].MeanCost
		}
	}
	h.ended = ""
	if n.err != nil {
		h.ended = n.err.Error()
	}
}
