package checkpoint_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// learned is an example with all that algorithms with a policy, and path integral updates, carry along.
func learned(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	shared := func(seed uint64) *policy.Network {
		net, err := nn.New(nn.Config{Sizes: []int{1, 3, 1}, Hidden: nn.Tanh})
		if err != nil {
			t.Fatal(err)
		}
		net.Initialise(seed)
		net.SetNormalisation([]float64{1 / 3.0}, []float64{math.Pi})
		p, err := policy.NewNetwork(net, []int{1}, 3, 2, []float64{math.Sqrt2})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	c := example(4)
	s, m := c.State, &c.State.Conditions[0]
	s.Policy, s.Before, s.Rollbacks = shared(1), shared(2), 2
	sample := rollout.New(3, 2, 1)
	for i := range sample.X {
		sample.X[i] = 1 / float64(i+3)
	}
	m.Drawn, m.MeanCost, m.CostDeviation = m.Controller.Clone(), 1/3.0, math.Pi
	m.Samples = [][]*rollout.Rollout{{sample, sample}, {sample}}
	m.PolicyPrior = &policy.MixturePrior{Rollouts: []*rollout.Rollout{sample}}
	m.PathIntegral = pi2.NewState(3, 0.1)
	m.Duals, m.PolicyKL = policy.NewDuals(3, 2, 1, 0.7), []float64{1 / 7.0, 2, 3}
	m.Duals.Bias[1], m.Duals.Gain[2] = -1/3.0, 1e-300
	return c
}

// Whatever a state carries comes back, the policies to the last bit.
func TestPoliciesAreStored(t *testing.T) {
	want := learned(t)
	path, err := checkpoint.Save(t.TempDir(), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := checkpoint.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		name      string
		got, want *policy.Network
	}{{"policy", got.State.Policy, want.State.Policy}, {"policy before", got.State.Before, want.State.Before}} {
		a, err := p.got.MarshalBinary()
		b, err2 := p.want.MarshalBinary()
		if err != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("the %s has changed: %v, %v", p.name, err, err2)
		}
		u, v := make([]float64, 1), make([]float64, 1)
		for i := range 50 {
			x, e := []float64{math.Sin(float64(i)), math.Cos(float64(3 * i))}, []float64{float64(i) / 7}
			p.got.Act(u, x, i%3, e)
			p.want.Act(v, x, i%3, e)
			if u[0] != v[0] {
				t.Errorf("the %s acts with %v, want %v", p.name, u[0], v[0])
			}
		}
	}
	got.State.Policy, got.State.Before, want.State.Policy, want.State.Before = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got.State.Conditions[0], want.State.Conditions[0])
	}
}

// A checkpoint from before there were policies has none, and is read.
func TestCheckpointWithoutPolicyIsRead(t *testing.T) {
	path, err := checkpoint.Save(t.TempDir(), example(3))
	if err != nil {
		t.Fatal(err)
	}
	got, err := checkpoint.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c := got.State.Conditions[0]; got.State.Policy != nil || got.State.Before != nil || c.Duals != nil || c.PathIntegral != nil || c.Samples != nil || c.Drawn != nil {
		t.Errorf("a policy's parts out of nothing: %+v", got.State)
	}
}

// A policy that is damaged within a whole payload is told as the file's damage.
func TestDamagedPolicyIsTold(t *testing.T) {
	whole := learned(t)
	net := whole.State.Policy.Net()
	weights, bias := net.Layer(0)
	weights[1] = math.NaN()
	net.SetLayer(0, weights, bias)
	dir := t.TempDir()
	path, err := checkpoint.Save(dir, whole)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Load(path); !errors.Is(err, checkpoint.ErrDamaged) || !strings.Contains(err.Error(), "checkpoint_0004.gps") {
		t.Errorf("a policy with a NaN: %v", err)
	}
}
