package e2e

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/operator"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

const fqn = "/guided_policy_search"

// nodeOperator drives a node by its services, as the ros2 command line does.
type nodeOperator struct {
	*operator.Operator
	t    *testing.T
	node transport.Node
}

func operate(t *testing.T, domain uint32) *nodeOperator {
	n := ddstest.Open(t, domain, "operator", nil)
	return &nodeOperator{operator.New(n, fqn), t, n}
}

func (o *nodeOperator) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	o.t.Cleanup(cancel)
	return ctx
}

// trigger calls one of the node's Trigger services.
func (o *nodeOperator) trigger(name string) (bool, string) {
	o.t.Helper()
	message, err := o.Do(o.context(), name)
	if err != nil && !errors.Is(err, operator.ErrRefused) {
		o.t.Fatal(err)
	}
	if err != nil {
		message = err.Error()
	}
	return err == nil, message
}

// triggered wants a Trigger service to do as asked.
func (o *nodeOperator) triggered(name string) string {
	o.t.Helper()
	done, message := o.trigger(name)
	if !done {
		o.t.Fatalf("%s: %s", name, message)
	}
	return message
}

func (o *nodeOperator) state() string {
	o.t.Helper()
	state, err := o.State(o.context())
	if err != nil {
		o.t.Fatal(err)
	}
	return state
}

// change asks for a transition by its label.
func (o *nodeOperator) change(label string) bool {
	o.t.Helper()
	done, _ := o.trigger(label)
	return done
}

// set sets one parameter and returns the reason of a refusal.
func (o *nodeOperator) set(name string, v rcl.Value) string {
	o.t.Helper()
	results, err := paramservice.NewClient(o.node, fqn).Set(o.context(), []paramservice.Assignment{{Name: name, Value: v}})
	if err != nil || len(results) != 1 {
		o.t.Fatal(err, results)
	}
	if !results[0].Successful && results[0].Reason == "" {
		o.t.Errorf("%s was refused without a reason", name)
	}
	return results[0].Reason
}

// iterationsSoFar counts the reports in the folder of a run that goes on.
func iterationsSoFar(folder string) int {
	data, _ := os.ReadFile(filepath.Join(folder, record.IterationsFile)) // not there yet: none
	return bytes.Count(data, []byte("\n"))
}

func fileText(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func integer(v int) rcl.Value { return rcl.Value{Type: rcl.Integer, Int: int64(v)} }

func number(v float64) rcl.Value { return rcl.Value{Type: rcl.Double, Double: v} }

// TestLifecycle drives a node by hand through all its states: it commands the arm only while
// it is active, and its torque is zero from then on.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain)
	n := startNode(t, domain, folder, "autostart:=false", "exit_when_done:=false", "iterations:=50")
	op := operate(t, domain)
	if s := op.state(); s != "unconfigured" {
		t.Fatalf("%s at first", s)
	}
	if op.change("activate") {
		t.Error("activated without being configured")
	}
	if reason := op.set("samples", integer(4)); reason != "" {
		t.Errorf("samples in Unconfigured: %s", reason)
	}
	if !op.change("configure") || op.state() != "inactive" {
		t.Fatal("not configured")
	}
	if reason := op.set("samples", integer(5)); !strings.Contains(reason, "inactive") {
		t.Errorf("samples in Inactive: %q", reason)
	}
	if _, commands := o.counts(); commands != 0 {
		t.Errorf("%d commands before the node was active", commands)
	}
	for round := 1; round <= 2; round++ {
		if !op.change("activate") || op.state() != "active" {
			t.Fatal("not active")
		}
		_, before := o.counts()
		n.until("the arm moves", func() bool { _, commands := o.counts(); return commands > before+50 })
		if !op.change("deactivate") || op.state() != "inactive" {
			t.Fatal("not deactivated")
		}
		o.further(t, 3) // what was under way has come
		_, commands := o.counts()
		o.further(t, 3)
		if _, now := o.counts(); now != commands || !isZero(o.lastCommand()) {
			t.Errorf("%d commands after the node was deactivated, the last %v, want zero torque", now-commands, o.lastCommand())
		}
	}
	if !op.change("cleanup") || op.state() != "unconfigured" {
		t.Fatal("not cleaned up")
	}
	o.mu.Lock()
	ticks := uint64(0)
	for _, s := range o.nodeStates {
		if s.Ticks < ticks {
			t.Errorf("%d control ticks after %d: they count from the start", s.Ticks, ticks)
		}
		ticks = s.Ticks
	}
	o.mu.Unlock()
	wholeFolder(t, folder)
	if !op.change("shutdown") {
		t.Error("not shut down")
	}
	n.finish(0)
}

// TestConfigureChecksTheRobot wants configure to fail, with the reason, where there is no robot,
// another one, or somebody who drives it already.
func TestConfigureChecksTheRobot(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	n := startNode(t, domain, filepath.Join(t.TempDir(), "run"), "autostart:=false")
	op := operate(t, domain)
	refused := func(why string) {
		t.Helper()
		if op.change("configure") || op.state() != "unconfigured" {
			t.Fatalf("configured, though %s", why)
		}
		until(t, "the log says "+why, func() bool { return n.said(why) > 0 })
	}
	refused("no joint_states on /joint_states yet")
	robot := startRobot(t, domain, "joints:=[joint1, wrist]")
	until(t, "a joint state was seen", func() bool {
		done, message := op.trigger("start")
		return !done && strings.Contains(message, `joint "joint2" is missing`)
	})
	robot.interrupt(0)
	startRobot(t, domain)
	efforts, err := op.node.Publisher("/effort_controller/commands", rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the other controller was seen", func() bool {
		done, message := op.trigger("start")
		return !done && strings.Contains(message, "/operator already publishes efforts on /effort_controller/commands")
	})
	efforts.Close()
	until(t, "the other controller is gone", func() bool { done, _ := op.trigger("start"); return done })
	n.interrupt(0)
}

// TestSecondNode starts another node for a robot that is being driven: it waits, and says for
// whom.
func TestSecondNode(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	o := observe(t, domain, "")
	startRobot(t, domain)
	first := startNode(t, domain, filepath.Join(t.TempDir(), "run"), "iterations:=1000")
	first.until("the arm moves", func() bool { _, commands := o.counts(); return commands > 10 })
	second := startNode(t, domain, filepath.Join(t.TempDir(), "run"), "iterations:=1000")
	second.until("the second node waits", func() bool {
		return second.said("node /guided_policy_search already publishes efforts on /effort_controller/commands") > 0
	})
	first.interrupt(0)
	_, before := o.counts()
	second.until("the second node drives the arm", func() bool { _, commands := o.counts(); return commands > before+10 })
	second.interrupt(0)
}

// TestRequests asks for what the Trigger services and their topics do.
func TestRequests(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain)
	n := startNode(t, domain, folder, "iterations:=1000")
	op := operate(t, domain)
	n.until("an iteration has ended", func() bool { return iterationsSoFar(folder) > 0 })
	until(t, "a trial was broken off", func() bool { done, _ := op.trigger("abort_trial"); return done })
	if done, message := op.trigger("reset_fault"); done || !strings.Contains(message, "no fault") {
		t.Errorf("reset_fault without a fault: %v, %s", done, message)
	}
	if message := op.triggered("save"); !strings.Contains(message, record.CheckpointsDir) || !exists(folder, "learning_curve.png") {
		t.Errorf("save: %s", message)
	}
	op.triggered("stop")
	until(t, "the torque is zero", func() bool { return isZero(o.lastCommand()) })
	if s := op.state(); s != "inactive" {
		t.Errorf("%s after stop", s)
	}
	if done, message := op.trigger("abort_trial"); done || !strings.Contains(message, "not active") {
		t.Errorf("abort_trial while stopped: %v, %s", done, message)
	}
	// The same by topics, which other middlewares reach too.
	empty := func(name string) {
		t.Helper()
		matched := make(chan struct{}, 100)
		p, err := op.node.Publisher(fqn+"/"+name, rostype.Of(new(std_msgs.Empty)), transport.Default(), func(s transport.Status) {
			if s.Matched > 0 {
				matched <- struct{}{}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		select {
		case <-matched:
		case <-time.After(patience):
			t.Fatalf("nobody listens to %s", name)
		}
		if err := p.Publish(new(std_msgs.Empty).AppendCDR(nil)); err != nil {
			t.Fatal(err)
		}
		until(t, "the node has done as "+name+" says", func() bool {
			return op.state() == map[string]string{"start": "active", "stop": "inactive"}[name]
		})
	}
	empty("start")
	empty("stop")
	n.interrupt(0)
	wholeFolder(t, folder)
}

// TestParametersWhileLearning changes what may change between trials: it is in force, and
// recorded, from the next trial on.
func TestParametersWhileLearning(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	startRobot(t, domain)
	n := startNode(t, domain, folder, "iterations:=1000", "seed:=5")
	op := operate(t, domain)
	n.until("an iteration has ended", func() bool { return iterationsSoFar(folder) > 0 })
	if reason := op.set("algorithm.kl_step", number(math.NaN())); reason == "" {
		t.Error("a KL step of NaN was taken")
	}
	if reason := op.set("algorithm.max_eta", number(1e-30)); !strings.Contains(reason, "algorithm.min_eta") {
		t.Errorf("max_eta below min_eta: %q", reason)
	}
	if reason := op.set("robot.effort_limit", rcl.Value{Type: rcl.DoubleArray, Doubles: []float64{1, 1}}); !strings.Contains(reason, "active") {
		t.Errorf("effort limits while learning: %q", reason)
	}
	if reason := op.set("algorithm.kl_step", number(0.25)); reason != "" {
		t.Fatal(reason)
	}
	n.until("the change is in force", func() bool { return n.said("parameter algorithm.kl_step was 1") > 0 })
	if now, before := fileText(t, folder, record.ParamsFile), fileText(t, folder, "params.1.yaml"); !strings.Contains(now, "kl_step: 0.25") || !strings.Contains(before, "kl_step: 1") {
		t.Error("the run folder does not have the change")
	}
	so := iterationsSoFar(folder)
	if reason := op.set("iterations", integer(so+2)); reason != "" {
		t.Fatal(reason)
	}
	n.finish(0, 3)
	if now := len(reports(t, folder)); now < so+2 || now > so+4 {
		t.Errorf("%d iterations, when %d were asked for after %d", now, so+2, so)
	}
	wholeFolder(t, folder)
}

// TestTrain learns for a client of the action: feedback for each trial, a result at the end;
// and stops when the client cancels.
func TestTrain(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	startRobot(t, domain)
	n := startNode(t, domain, folder, "autostart:=false", "seed:=5")
	op := operate(t, domain)
	client, err := action.NewClient(op.node, action.ClientConfig{Name: fqn + "/train", Type: action.Type{SendGoal: new(guided_policy_search_msgs.Train_SendGoal),
		GetResult: new(guided_policy_search_msgs.Train_GetResult), Feedback: new(guided_policy_search_msgs.Train_FeedbackMessage)}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	trials := make(chan guided_policy_search_msgs.Train_Feedback, 1000)
	feedback := func(payload []byte) {
		var f guided_policy_search_msgs.Train_Feedback
		if err := f.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		trials <- f
	}
	sent, err := client.Send(op.context(), &guided_policy_search_msgs.Train_Goal{Iterations: 2}, feedback)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Send(op.context(), &guided_policy_search_msgs.Train_Goal{Iterations: 9}, nil); err == nil {
		t.Error("a second goal was accepted beside the first")
	}
	var result guided_policy_search_msgs.Train_Result
	status, err := sent.Result(op.context(), &result)
	if err != nil || status != action.Succeeded {
		t.Fatal(status, err, result.Message)
	}
	list := reports(t, folder)
	if result.Iteration != 2 || len(list) != 2 || result.MeanCost != list[1].MeanCost || result.RunFolder != folder {
		t.Errorf("result %+v of %d iterations", result, len(list))
	}
	until(t, "the node is inactive again", func() bool { return op.state() == "inactive" })
	if len(trials) < 9 { // the first may be lost: topics match while the goal is under way
		t.Errorf("feedback of %d trials, want 10", len(trials))
	}
	for len(trials) > 0 {
		f := <-trials
		if f.Cost != list[f.Iteration-1].SampleCosts[f.Sample] || f.Iterations != 2 || f.Samples != 5 || !exists(folder, f.Rollout) {
			t.Errorf("feedback %+v", f)
		}
		if first := f.Iteration == 1; first != math.IsNaN(f.MeanCost) || !first && f.MeanCost != list[f.Iteration-2].MeanCost {
			t.Errorf("feedback of iteration %d has mean cost %v", f.Iteration, f.MeanCost)
		}
	}

	_, before := o.counts()
	if sent, err = client.Send(op.context(), &guided_policy_search_msgs.Train_Goal{Iterations: 1000}, feedback); err != nil {
		t.Fatal(err)
	}
	n.until("the arm moves", func() bool { _, commands := o.counts(); return commands > before+50 })
	if err := sent.Cancel(op.context()); err != nil {
		t.Fatal(err)
	}
	if status, err = sent.Result(op.context(), &result); err != nil || status != action.Canceled {
		t.Fatal(status, err)
	}
	until(t, "the torque is zero", func() bool { return isZero(o.lastCommand()) })
	until(t, "the node is inactive", func() bool { return op.state() == "inactive" })
	n.interrupt(0)
}
