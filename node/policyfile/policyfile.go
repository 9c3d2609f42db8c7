// Package policyfile reads the policies that a robot can run, from policy files of this program
// (gps/policy) and from ONNX models (gps/onnx), and writes those that other programs can run.
package policyfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"guidedpolicysearch/gps/onnx"
	"guidedpolicysearch/gps/policy"
)

// ErrExport marks a policy that has no form in ONNX.
var ErrExport = errors.New("the policy cannot be exported")

// Extension is what the names of ONNX models end in.
const Extension = ".onnx"

// Opset is the operator set of the models that Export writes.
const Opset = 13

// maxModel bounds the ONNX models that are read, in bytes.
const maxModel = 1 << 28

// Keys of the ONNX properties beside the names of observations and actions.
const (
	stepKey     = "time_step_s"
	trainingKey = "gps_training"
)

// Layout is what a policy must be made for.
type Layout struct {
	// States names the entries of x, Actions those of u.
	States, Actions []string
	// Step is the time from one action to the next, in s.
	Step float64
	// Steps is how many actions a trial has.
	Steps int
}

// Load reads a policy for a layout: an ONNX model if the name says so, else a policy file. Errors
// name the path and wrap policy.ErrLayout where it is for another robot, or are those of policy.Load
// and onnx.Decode.
func Load(path string, l Layout) (*policy.File, error) {
	if path == "" {
		return nil, errors.New("no policy is named")
	}
	read := policy.Load
	if filepath.Ext(path) == Extension {
		read = l.loadModel
	}
	f, err := read(path)
	if err != nil {
		return nil, err
	}
	if err := f.Suits(l.States, l.Actions, l.Step); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if f.Policy, err = l.fit(f.Policy); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// fit returns the policy for trials of the layout's steps. A network has any number of them.
func (l *Layout) fit(p policy.Policy) (policy.Policy, error) {
	T, dX, _ := p.Sizes()
	if T == l.Steps {
		return p, nil
	}
	if network, ok := p.(*policy.Network); ok {
		return policy.NewNetwork(network.Net(), network.Observation(), l.Steps, dX, network.Chol())
	}
	return nil, fmt.Errorf("%w: the policy has %d time steps, a trial (steps) %d: run it with as many", policy.ErrLayout, T, l.Steps)
}

// loadModel reads an ONNX model.
func (l Layout) loadModel(path string) (*policy.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxModel {
		return nil, fmt.Errorf("%w: %s is %v of %d bytes, expected a file of up to %d", onnx.ErrMalformed, path, info.Mode(), info.Size(), maxModel)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := l.decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// decode makes a model a policy of the layout: its observations are found among the states by their
// names, and without names they are all of the states.
func (l *Layout) decode(data []byte) (*policy.File, error) {
	network, meta, err := onnx.Decode(data)
	if err != nil {
		return nil, err
	}
	dO, dU := network.Dims()
	f := &policy.File{StateNames: l.States, ActionNames: meta.ActionNames, Step: l.Step}
	var observation []int
	for _, name := range meta.ObservationNames {
		i := slices.Index(l.States, name)
		if i < 0 {
			return nil, fmt.Errorf("%w: the policy sees [%s], the robot's state is [%s], which has no %q", policy.ErrLayout, strings.Join(meta.ObservationNames, ", "), strings.Join(l.States, ", "), name)
		}
		observation = append(observation, i)
	}
	if observation == nil && dO != len(l.States) {
		return nil, fmt.Errorf("%w: the policy sees %d numbers and does not name them, the robot's state is %d, [%s]", policy.ErrLayout, dO, len(l.States), strings.Join(l.States, ", "))
	}
	if f.ActionNames == nil {
		if dU != len(l.Actions) {
			return nil, fmt.Errorf("%w: the policy gives %d actions and does not name them, the robot has %d, [%s]", policy.ErrLayout, dU, len(l.Actions), strings.Join(l.Actions, ", "))
		}
		f.ActionNames = l.Actions
	}
	if text, ok := meta.Properties[stepKey]; ok {
		if f.Step, err = strconv.ParseFloat(text, 64); err != nil || !(f.Step > 0) {
			return nil, fmt.Errorf("%w: the property %s is %q, expected a number of seconds", onnx.ErrMeta, stepKey, text)
		}
	}
	if text, ok := meta.Properties[trainingKey]; ok {
		if err := json.Unmarshal([]byte(text), &f.Training); err != nil {
			return nil, fmt.Errorf("%w: the property %s: %w", onnx.ErrMeta, trainingKey, err)
		}
	}
	if f.Policy, err = policy.NewNetwork(network, observation, l.Steps, len(l.States), nil); err != nil {
		return nil, err
	}
	return f, f.Validate()
}

// Export returns a policy as an ONNX model, its normalisation inside; the covariance of its actions is
// left out. The error wraps ErrExport unless it is a network, or is that of onnx.Encode.
func Export(f *policy.File) ([]byte, error) {
	network, ok := f.Policy.(*policy.Network)
	if !ok {
		return nil, fmt.Errorf("%w: it is made of linear controllers for each time step (algorithm.type trajopt): ONNX holds the networks that mdgps, badmm, constrained and lagrangian learn", ErrExport)
	}
	training, err := json.Marshal(f.Training)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExport, err)
	}
	var observations []string
	for _, i := range network.Observation() {
		observations = append(observations, f.StateNames[i])
	}
	return onnx.Encode(network.Net(), onnx.Meta{ObservationNames: observations, ActionNames: f.ActionNames, Producer: "guided_policy_search",
		Description: fmt.Sprintf("Torques (N m) of %s for the observed state (rad, rad/s, m), every %v s.", strings.Join(f.ActionNames, ", "), f.Step),
		Properties:  map[string]string{stepKey: strconv.FormatFloat(f.Step, 'g', -1, 64), trainingKey: string(training)}})
}
