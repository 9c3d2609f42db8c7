package node

import (
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// Names of the topics before remapping.
const (
	jointStatesTopic = "joint_states"
	commandsTopic    = "effort_controller/commands"
	clockTopic       = "/clock"
	rolloutTopic     = "~/rollout"
	stateTopic       = "~/state"
	iterationTopic   = "~/iteration"
	trialTopic       = "~/trial"
	costTopic        = "~/cost"
	meanCostTopic    = "~/mean_cost"
	bestCostTopic    = "~/best_cost"
	errorTopic       = "~/end_effector_error"
	klTopic          = "~/kl"
	etaTopic         = "~/eta"
	stepTopic        = "~/step_multiplier"
)

// topic is one that tells of the learning. A late subscriber sees what there was so far.
type topic struct {
	name    string
	message msgs.Message // its type
	depth   int
}

// reported lists the topics that the node tells of the learning on, all reliable and
// transient-local.
func reported() []topic {
	return []topic{
		{stateTopic, new(guided_policy_search_msgs.NodeState), 1},
		{iterationTopic, new(guided_policy_search_msgs.IterationReport), 1000},
		{trialTopic, new(guided_policy_search_msgs.TrialReport), 1000},
		{costTopic, new(std_msgs.Float64), 1000},
		{meanCostTopic, new(std_msgs.Float64), 1000},
		{bestCostTopic, new(std_msgs.Float64), 1000},
		{errorTopic, new(std_msgs.Float64), 1000},
		{klTopic, new(std_msgs.Float64), 1000},
		{etaTopic, new(std_msgs.Float64), 1000},
		{stepTopic, new(std_msgs.Float64), 1000},
	}
}

// topics publishes what is reported. It is for the supervisor's goroutine.
type topics struct {
	publishers map[string]transport.Publisher
	payload    []byte
	log        func(format string, args ...any)
}

func (t *topics) open(ros *rosnode.Node) error {
	t.publishers, t.log = map[string]transport.Publisher{}, ros.Log.Warn
	for _, r := range reported() {
		q := transport.Latched()
		q.Depth = r.depth
		name, err := ros.ResolveTopic(r.name)
		if err != nil {
			return err
		}
		p, err := ros.Publisher(name, rostype.Of(r.message), q, nil)
		if err != nil {
			return err
		}
		t.publishers[r.name] = p
	}
	return nil
}

func (t *topics) publish(name string, m msgs.Message) {
	t.payload = m.AppendCDR(t.payload[:0])
	if err := t.publishers[name].Publish(t.payload); err != nil {
		t.log("%v", err)
	}
}

// value publishes one number, as rqt_plot draws it.
func (t *topics) value(name string, v float64) { t.publish(name, &std_msgs.Float64{Data: v}) }

// publishTrial publishes what a trial came to.
func (n *node) publishTrial(rec *trial.Record, path string) {
	c := rec.Command
	r := guided_policy_search_msgs.TrialReport{Stamp: rosio.Stamp(n.ros.Clock.Now()), Iteration: uint32(c.Iteration), Condition: uint32(c.Condition), Sample: uint32(c.Sample),
		Duration: float64(rec.Stamps[len(rec.Stamps)-1]-rec.Stamps[0]) * 1e-9, Faults: uint32(n.loop.Load().status().faults - n.faults),
		FinalState: rec.Rollout.State(rec.Rollout.T), Rollout: path}
	var err error
	if r.Cost, err = n.cost.Of(rec.Rollout); err != nil {
		n.session.note(logging.Warn, "%s: %v", path, err)
		return
	}
	n.topics.publish(trialTopic, &r)
	n.topics.value(costTopic, r.Cost)
	n.feedback(&r)
}

// publishReport publishes what an iteration came to.
func (n *node) publishReport(r *learner.Report) {
	n.topics.publish(iterationTopic, r.Message(n.ros.Clock.Now()))
	for topic, v := range map[string]float64{meanCostTopic: r.MeanCost, bestCostTopic: r.BestCost, klTopic: r.KL, etaTopic: r.Eta, stepTopic: r.StepMultiplier} {
		n.topics.value(topic, v)
	}
	if r.Error != nil {
		n.topics.value(errorTopic, *r.Error)
	}
}
