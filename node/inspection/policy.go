package inspection

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
)

// Policy is a policy file.
type Policy struct {
	Version  int    `json:"version"`
	Checksum string `json:"sha256"`
	// Form is linear (one controller), network, nearest (several controllers) or mixture.
	Form string `json:"form"`
	// Steps is T; States, Observations and Actions name x, what a network sees of it, and u.
	Steps        int      `json:"steps"`
	States       []string `json:"states"`
	Observations []string `json:"observations"`
	Actions      []string `json:"actions"`
	// Step is the time from one action to the next, in s.
	Step float64 `json:"time_step"`
	// Network is nil for controllers.
	Network  *Network        `json:"network"`
	Training policy.Training `json:"training"`
}

// Network is a network with its normalisation.
type Network struct {
	Sizes []int `json:"sizes"`
	// Activation is that of each hidden layer, by commas where they differ.
	Activation string `json:"activation"`
	Weights    int    `json:"weights"`
	// Scale and Bias normalise observations, one entry each: scale times observation, plus bias.
	Observations []string  `json:"observations,omitempty"`
	Scale        []float64 `json:"scale"`
	Bias         []float64 `json:"bias"`
}

func describeNetwork(n *nn.Network, observations []string) *Network {
	cfg := n.Config()
	out := &Network{Sizes: cfg.Sizes, Activation: activations(cfg), Observations: observations}
	out.Scale, out.Bias = n.Normalisation()
	for i, in := range cfg.Sizes[:len(cfg.Sizes)-1] {
		out.Weights += (in + 1) * cfg.Sizes[i+1]
	}
	return out
}

func activations(c nn.Config) string {
	var names []string
	for i := range len(c.Sizes) - 2 {
		names = append(names, string(c.Activation(i)))
	}
	if list := slices.Compact(slices.Clone(names)); len(list) == 1 {
		return list[0]
	}
	return strings.Join(names, ", ")
}

func openPolicy(path string, head []byte) (*Policy, error) {
	f, err := policy.Load(path)
	if err != nil {
		if errors.Is(err, policy.ErrDamaged) || errors.Is(err, policy.ErrVersion) || errors.Is(err, policy.ErrInvalid) {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, err
	}
	h := readHeader(head)
	T, _, _ := f.Policy.Sizes()
	out := &Policy{Version: h.version, Checksum: h.sum, Steps: T, States: f.StateNames, Observations: f.ObservationNames, Actions: f.ActionNames, Step: f.Step, Training: f.Training}
	switch p := f.Policy.(type) {
	case *lqg.Controller:
		out.Form = "linear"
	case *policy.Network:
		out.Form, out.Network = "network", describeNetwork(p.Net(), f.ObservationNames)
	case *policy.NearestNeighbour:
		out.Form = "nearest"
	case *policy.Mixture:
		out.Form = "mixture"
	}
	return out, nil
}
