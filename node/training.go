package node

import (
	"context"
	"errors"
	"math"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
)

const trainAction = "~/train"

// training is the action ~/train: one goal at a time, whose work is that of the active node.
type training struct {
	server   *action.Server
	accepted chan *action.Goal

	// for the supervisor
	goal     *action.Goal
	meanCost float64 // of the last iteration
}

func trainType() action.Type {
	return action.Type{SendGoal: new(guided_policy_search_msgs.Train_SendGoal), GetResult: new(guided_policy_search_msgs.Train_GetResult),
		Feedback: new(guided_policy_search_msgs.Train_FeedbackMessage)}
}

// serveTraining opens the action.
func (n *node) serveTraining() error {
	name, err := n.ros.ResolveTopic(trainAction)
	if err != nil {
		return err
	}
	t := &n.training
	t.accepted, t.meanCost = make(chan *action.Goal, 1), math.NaN()
	t.server, err = action.NewServer(n.ros, action.Config{Name: name, Type: trainType(), Now: n.ros.Clock.Now,
		Goal: new(guided_policy_search_msgs.Train_Goal), Result: new(guided_policy_search_msgs.Train_Result), MaxGoals: 1,
		Handler: action.Handler{
			Accepted: func(g *action.Goal) { t.accepted <- g },
		}})
	return err
}

// canceled is closed when the goal's client wants no more; nil where there is no goal.
func (t *training) canceled() <-chan struct{} {
	if t.goal == nil {
		return nil
	}
	return t.goal.CancelRequested()
}

// train begins to work for a goal.
func (n *node) train(ctx context.Context, g *action.Goal) {
	n.training.goal = g
	select {
	case <-g.CancelRequested(): // before its turn came
		n.endTraining(g.Canceled, "canceled")
		return
	default:
	}
	if err := n.beginTraining(ctx, g); err != nil {
		n.ros.Log.Warn("%s: %v", trainAction, err)
		n.abortTraining(err)
	}
}

func (n *node) beginTraining(ctx context.Context, g *action.Goal) error {
	var goal guided_policy_search_msgs.Train_Goal
	if err := goal.UnmarshalCDR(g.Request()); err != nil {
		return err
	}
	if err := g.Execute(); err != nil {
		return err
	}
	if n.cfg.Mode == modeRun {
		return errors.New("mode is run, in which nothing is learned: start the node with mode train")
	}
	if goal.Iterations > 0 {
		if err := n.setIterations(goal.Iterations); err != nil {
			return err
		}
	}
	if n.states.State() == lifecycle.Active {
		return nil // it goes on, for the goal too
	}
	return n.bringUp(ctx)
}

// setIterations sets the parameter iterations as a client of the parameter services would.
func (n *node) setIterations(to uint32) error {
	return n.ros.Parameters.Set([]paramservice.Assignment{{Name: "iterations", Value: rcl.Value{Type: rcl.Integer, Int: int64(to)}}})
}

// cancelTraining stops for the client of the goal.
func (n *node) cancelTraining(ctx context.Context) {
	if n.states.State() == lifecycle.Active {
		n.zero()
		g := n.training.goal
		n.endTraining(g.Canceled, "canceled")
		_, _ = n.states.Trigger(ctx, lifecycle.Deactivate)
		return
	}
	n.endTraining(n.training.goal.Canceled, "canceled")
}

// feedback tells the goal's client of a trial.
func (n *node) feedback(r *guided_policy_search_msgs.TrialReport) {
	if n.training.goal == nil {
		return
	}
	_ = n.training.goal.Feedback(&guided_policy_search_msgs.Train_Feedback{Stamp: r.Stamp, Iteration: r.Iteration, Iterations: uint32(n.cfg.Iterations),
		Condition: r.Condition, Sample: r.Sample, Samples: uint32(n.cfg.Samples), Cost: r.Cost, MeanCost: n.training.meanCost, Rollout: r.Rollout})
}

// succeedTraining ends the goal after the last iteration. It returns false if there is none.
func (n *node) succeedTraining() bool {
	if n.training.goal == nil {
		return false
	}
	n.endTraining(n.training.goal.Succeed, "all iterations are done")
	return true
}

// abortTraining ends the goal before its time, if there is one.
func (n *node) abortTraining(cause error) {
	if n.training.goal == nil {
		return
	}
	end := n.training.goal.Abort
	select {
	case <-n.training.goal.CancelRequested():
		end = n.training.goal.Canceled
	default:
	}
	n.endTraining(end, cause.Error())
}

// endTraining ends the goal with what was learned so far.
func (n *node) endTraining(end func(action.Message) error, message string) {
	result := guided_policy_search_msgs.Train_Result{MeanCost: math.NaN(), Message: message}
	if s := n.session; s != nil {
		result.RunFolder = s.run.Dir()
		if len(s.reports) > 0 {
			last := s.reports[len(s.reports)-1]
			result.Iteration, result.MeanCost = uint32(last.Iteration), last.MeanCost
			result.Learned = s.learned()
		}
	}
	if err := end(&result); err != nil && !errors.Is(err, action.ErrState) {
		n.ros.Log.Warn("%s: %v", trainAction, err)
	}
	n.training.goal = nil
}
