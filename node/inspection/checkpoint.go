package inspection

import (
	"errors"
	"fmt"
	"strings"

	"guidedpolicysearch/gps/checkpoint"
)

// Checkpoint is the state of a run after an iteration.
type Checkpoint struct {
	Version   int    `json:"version"`
	Checksum  string `json:"sha256"`
	Iteration int    `json:"iteration"`
	Seed      uint64 `json:"seed"`
	// Steps, States and Actions are T and the names of x and u.
	Steps      int                   `json:"steps"`
	States     []string              `json:"states"`
	Actions    []string              `json:"actions"`
	Conditions []CheckpointCondition `json:"conditions"`
	// Policy is nil for algorithms without one.
	Policy    *Network `json:"policy"`
	Rollbacks int      `json:"rollbacks"`
}

// CheckpointCondition is what a checkpoint has of a condition.
type CheckpointCondition struct {
	Eta            float64 `json:"eta"`
	StepMultiplier float64 `json:"step_multiplier"`
	MeanCost       float64 `json:"mean_cost"`
	// PriorTrials and Clusters are those of the dynamics prior.
	PriorTrials int  `json:"prior_trials"`
	Clusters    int  `json:"clusters"`
	Duals       bool `json:"duals"`
}

// header is the line that checkpoints and policies begin with.
type header struct {
	version int
	sum     string
}

func readHeader(head []byte) (h header) {
	line, _, _ := strings.Cut(string(head), "\n")
	var word string
	var size int64
	// What does not fit is told by who reads the file.
	_, _ = fmt.Sscanf(line, "%s %d %d %64s", &word, &h.version, &size, &h.sum)
	return h
}

func openCheckpoint(path string, head []byte) (*Checkpoint, error) {
	c, err := checkpoint.Load(path)
	if errors.Is(err, checkpoint.ErrDamaged) || errors.Is(err, checkpoint.ErrVersion) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	h := readHeader(head)
	out := &Checkpoint{Version: h.version, Checksum: h.sum, Iteration: c.State.Iteration, Seed: c.State.Seed, States: c.StateNames, Actions: c.ActionNames, Rollbacks: c.State.Rollbacks}
	for _, condition := range c.State.Conditions {
		one := CheckpointCondition{Eta: condition.Eta, StepMultiplier: condition.StepMultiplier, MeanCost: condition.MeanCost, Duals: condition.Duals != nil}
		if condition.Controller != nil {
			out.Steps = condition.Controller.T
		}
		if p := condition.Prior; p != nil {
			one.PriorTrials = len(p.Rollouts)
			if p.Mixture != nil {
				one.Clusters = p.Mixture.K
			}
		}
		out.Conditions = append(out.Conditions, one)
	}
	if c.State.Policy != nil {
		out.Policy = describeNetwork(c.State.Policy.Net(), nil)
	}
	return out, nil
}
