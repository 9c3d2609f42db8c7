package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Version is the newest format that Load reads, from 1 on. Save writes the oldest that holds the policy:
// version 2 is for networks whose layers have different activations.
const Version = 2

var (
	// ErrDamaged marks a file that is no whole policy file of this version.
	ErrDamaged = errors.New("policy: damaged file")
	// ErrVersion marks a policy file of a version that this program does not read.
	ErrVersion = errors.New("policy: unknown version")
	// ErrLayout marks a policy that was made for another robot: other states, actions or time
	// step.
	ErrLayout = errors.New("policy: made for another layout")
)

// File is a policy with what it was made for and from.
//
// On disk it is a line "GPSPOLICY <version> <payload bytes> <SHA-256 of the payload, hex>\n" and the
// payload: a line of JSON that describes the policy, and its numbers, float64 in little-endian byte
// order, in the order that the description's kind gives them:
//
//	linear    K (T x dU x dX), k (T x dU), L (T x dU x dU)
//	network   scale (dO), bias (dO) of the normalisation, W (out x in), b (out) of each layer,
//	          L (dU x dU) if noise is true
//	nearest   K, k, L of each controller, starts (controllers x features)
//	mixture   K, k, L of each controller, offsets (controllers x T), mean states (controllers x T
//	          x features), factors of the states' covariances (controllers x T x features^2)
type File struct {
	Policy Policy
	// StateNames names the entries of x, ActionNames those of u. ObservationNames are those of
	// the states that a network sees; Save and Load set them.
	StateNames, ActionNames, ObservationNames []string
	// Step is the time from one action to the next, in s.
	Step float64
	// Training says what the policy was learned from.
	Training Training
}

// Training is the summary of a learning run. Counts are >= 0.
type Training struct {
	// Algorithm names what learned the policy.
	Algorithm string `json:"algorithm"`
	// Iterations, Rollouts and Conditions count what it took.
	Iterations int `json:"iterations"`
	Rollouts   int `json:"rollouts"`
	Conditions int `json:"conditions"`
	// Seed is that of the run.
	Seed uint64 `json:"seed"`
	// MeanCost is the mean cost of each iteration's samples.
	MeanCost []float64 `json:"mean_cost"`
	// SuccessRate is the part of trials that succeeded, 0 to 1; nil where nobody judged them.
	SuccessRate *float64 `json:"success_rate,omitempty"`
}

// Validate returns an error wrapping ErrInvalid, or the policy's own.
func (f *File) Validate() error {
	if f.Policy == nil {
		return fmt.Errorf("%w: the file has no policy", ErrInvalid)
	}
	if err := f.Policy.Validate(); err != nil {
		return err
	}
	T, dX, dU := f.Policy.Sizes()
	if T > maxSteps || dX > maxEntries || dU > maxEntries {
		return fmt.Errorf("%w: a policy of T=%d dX=%d dU=%d, files hold up to %d steps and %d entries", ErrInvalid, T, dX, dU, maxSteps, maxEntries)
	}
	if len(f.StateNames) != dX || len(f.ActionNames) != dU {
		return fmt.Errorf("%w: %d state names and %d action names for a policy of dX=%d dU=%d", ErrInvalid, len(f.StateNames), len(f.ActionNames), dX, dU)
	}
	for _, list := range [][]string{f.StateNames, f.ActionNames} {
		for i, name := range list {
			if name == "" || !utf8.ValidString(name) || slices.Index(list, name) < i {
				return fmt.Errorf("%w: name %d of %q is empty, no UTF-8, or there twice", ErrInvalid, i, list)
			}
		}
	}
	if !(f.Step > 0) || math.IsInf(f.Step, 0) {
		return fmt.Errorf("%w: the time step is %v s, need a finite number > 0", ErrInvalid, f.Step)
	}
	return f.Training.validate()
}

func (t *Training) validate() error {
	if t.Iterations < 0 || t.Rollouts < 0 || t.Conditions < 0 {
		return fmt.Errorf("%w: training of %d iterations, %d rollouts and %d conditions, need numbers >= 0", ErrInvalid, t.Iterations, t.Rollouts, t.Conditions)
	}
	for i, v := range t.MeanCost {
		if v-v != 0 {
			return fmt.Errorf("%w: mean cost of iteration %d is %v", ErrInvalid, i, v)
		}
	}
	if r := t.SuccessRate; r != nil && !(*r >= 0 && *r <= 1) {
		return fmt.Errorf("%w: success rate is %v, need 0 to 1", ErrInvalid, *r)
	}
	return nil
}

// sameStep is the part by which time steps may differ: rounding of 1/rate.
const sameStep = 1e-6

// Suits returns an error wrapping ErrLayout, with what the policy has and what the robot has, unless
// the robot's states and actions are the policy's, in its order, and its time step step (s) is too.
func (f *File) Suits(stateNames, actionNames []string, step float64) error {
	for _, layout := range []struct {
		what           string
		policy, robots []string
	}{{"states", f.StateNames, stateNames}, {"actions", f.ActionNames, actionNames}} {
		if !slices.Equal(layout.policy, layout.robots) {
			return fmt.Errorf("%w: the policy has the %s [%s], the robot [%s]: run it on the robot that it was made for, or learn one for this robot",
				ErrLayout, layout.what, strings.Join(layout.policy, ", "), strings.Join(layout.robots, ", "))
		}
	}
	if !(math.Abs(step-f.Step) <= sameStep*f.Step) {
		return fmt.Errorf("%w: the policy acts every %v s, the robot every %v s: set the rate that it was made for", ErrLayout, f.Step, step)
	}
	return nil
}
