package algorithm_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
)

// recordedRun runs iterations whose every intermediate is recorded, and returns the arrays of the last one
// and its file.
func recordedRun(t testing.TB, a algorithm.Algorithm, iterations, count int) (state *algorithm.State, reports []*algorithm.Report, r *trace.Recorder, file []byte) {
	t.Helper()
	r, err := trace.NewRecorder(trace.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	state = massState(5)
	for range iterations {
		r.Reset()
		next, report, err := a.Iterate(r.Into(context.Background()), state, massSamples(t, a, state, count))
		if err != nil {
			t.Fatal(err)
		}
		state, reports = next, append(reports, report)
	}
	var b bytes.Buffer
	if err := r.WriteNPZ(&b); err != nil {
		t.Fatal(err)
	}
	return state, reports, r, b.Bytes()
}

// TestRecordingChangesNothing compares states and reports with those of a run that is not recorded, bit by
// bit, and what several workers record with what one does.
func TestRecordingChangesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range massAlgorithms {
		build := func(workers int) algorithm.Algorithm {
			return massAlgorithm(t, name, func(c *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
				c.Workers, p.Reuse, p.Train.Epochs, p.Train.Workers = workers, 1, 3, workers
				c.BoundEachStep = name == "constrained"
				if name == "mdgps" || name == "badmm" {
					c.UsePrior, p.Linearise.Method = true, policy.ByMixture
				}
			})
		}
		plain, plainReports := massRun(t, build(1), massState(5), 2, 6)
		state, reports, _, file := recordedRun(t, build(1), 2, 6)
		if !bytes.Equal(bits(t, plain), bits(t, state)) || !bytes.Equal(bits(t, plainReports), bits(t, reports)) {
			t.Errorf("%s: recording changes the result", name)
		}
		if _, _, _, other := recordedRun(t, build(3), 2, 6); !bytes.Equal(file, other) {
			t.Errorf("%s: three workers record other bytes than one", name)
		}
	}
}

// TestWhatIsRecorded finds in the record of each algorithm what its parts compute.
func TestWhatIsRecorded(t *testing.T) {
	t.Parallel()
	fit := []string{"dynamics/joint_mean", "dynamics/joint_covariance", "dynamics/F", "dynamics/bias", "dynamics/covariance", "x0/mean", "x0/covariance",
		"cost/samples", "cost/quad", "cost/lin", "cost/const"}
	step := []string{"anchor/gain", "controller/gain", "controller/bias", "controller/chol", "report/kl", "report/eta", "report/bound", "report/step_multiplier"}
	search := []string{"search/bound", "search/pass_00/eta", "search/pass_00/kl_per_step", "search/kl_per_step", "search/gain", "search/marginal_mean", "search/marginal_covariance", "search/Q_quad", "search/Q_lin"}
	prior := []string{"prior/start/means", "prior/step_00/log_likelihood", "prior/step_00/weights", "prior/step_00/means", "prior/end/covariances", "prior/mass",
		"dynamics/prior_mean", "dynamics/prior_scatter", "dynamics/prior_weights", "policy/prior/step_00/log_likelihood"}
	linear := []string{"policy/linearised/gain", "policy/linearised/actions"}
	pi2 := []string{"pi2/temperature", "pi2/weight", "pi2/effective_samples"}
	within := func(turn string, lists ...[]string) (all []string) {
		for _, list := range lists {
			for _, name := range list {
				all = append(all, turn+"condition_01/"+name)
			}
		}
		return all
	}
	training := []string{"policy/training/loss", "policy/training/chol"}
	for name, want := range map[string][]string{
		"mdgps":       append(within("", fit, prior, linear, step, search), training...),
		"mdgps pi2":   append(within("", fit, linear, step, pi2), training...),
		"mdgps pilqr": within("", fit, linear, step, search, pi2, []string{"pilqr/residual_ratio", "pilqr/model/gain"}),
		"badmm":       append(within("", fit), append(within("turn_03/", linear, step, search, []string{"duals/gain", "duals/weight", "policy_weight"}), "turn_03/policy/training/loss")...),
		"constrained": append(within("", fit), within("turn_00/", linear, step, []string{"search/pass_00/eta", "search/q_eigenvalues", "search/eta"})...),
		"lagrangian":  within("turn_02/", linear, step, search, []string{"duals/gain"}),
	} {
		a := massAlgorithm(t, name, func(c *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
			p.Train.Epochs, c.BoundEachStep = 3, name == "constrained"
			if name == "mdgps" {
				c.UsePrior, p.Linearise.Method = true, policy.ByMixture
			}
		})
		state, reports, r, _ := recordedRun(t, a, 1, 6)
		names := r.Names()
		for _, v := range want {
			if !slices.Contains(names, v) {
				t.Errorf("%s: %s is not recorded", name, v)
			}
		}
		for _, v := range names {
			if base := v[strings.LastIndexByte(v, '/')+1:]; len(base) > 3 && base[len(base)-3] == '_' && base[len(base)-2] == '0' {
				t.Errorf("%s: %s is recorded twice", name, v)
			}
		}
		report := reports[len(reports)-1].Conditions[1]
		at := "condition_01/"
		if turns := state.Conditions[1].Duals != nil; turns {
			at = "turn_03/condition_01/"
		}
		if v, _ := r.Array(at + "report/eta"); len(v) != 1 || v[0] != report.Eta {
			t.Errorf("%s: eta %v is recorded, want %v", name, v, report.Eta)
		}
		if v, shape := r.Array(at + "controller/gain"); !slices.Equal(v, state.Conditions[1].Controller.K) || !slices.Equal(shape, []int{massT, massDU, massDX}) {
			t.Errorf("%s: the gains recorded, of shape %v, are not those of the controller", name, shape)
		}
		if v, shape := r.Array("condition_01/dynamics/F"); !slices.Equal(v, state.Conditions[1].Previous.Dynamics.F) || !slices.Equal(shape, []int{massT, massDX, massDX + massDU}) {
			t.Errorf("%s: the dynamics recorded, of shape %v, are not those of the model", name, shape)
		}
		if v, _ := r.Array("condition_01/cost/samples"); !slices.Equal(v, report.SampleCosts) {
			t.Errorf("%s: costs %v are recorded, want %v", name, v, report.SampleCosts)
		}
		if name == "mdgps" {
			recordedSearch(t, r, &report)
			recordedFit(t, r)
		}
	}
}

// recordedSearch checks the passes of a search: the last one is the result, and their parts have its sum.
func recordedSearch(t *testing.T, r *trace.Recorder, report *algorithm.ConditionReport) {
	t.Helper()
	passes := 0
	for _, name := range r.Names() {
		if !strings.HasPrefix(name, "condition_01/search/pass_") || !strings.HasSuffix(name, "/kl") {
			continue
		}
		passes++
		kl, _ := r.Array(name)
		parts, _ := r.Array(name + "_per_step")
		sum := 0.0
		for _, v := range parts {
			sum += v
		}
		if len(parts) != massT || math.Abs(sum-kl[0]) > 1e-9*(1+kl[0]) {
			t.Errorf("%s is %v, its %d steps sum up to %v", name, kl, len(parts), sum)
		}
	}
	if passes != report.Passes {
		t.Errorf("%d passes are recorded, want %d", passes, report.Passes)
	}
	// The gains are where the Q functions are least.
	gain, _ := r.Array("condition_01/search/gain")
	quad, _ := r.Array("condition_01/search/Q_quad")
	const d = massDX + massDU
	for t0 := range massT {
		for i := range massDU {
			for j := range massDX {
				rest, size := quad[(t0*d+massDX+i)*d+j], 0.0
				for l := range massDU {
					v := quad[(t0*d+massDX+i)*d+massDX+l]
					rest += v * gain[(t0*massDU+l)*massDX+j]
					size += math.Abs(v)
				}
				if math.Abs(rest) > 1e-6*(1+size) {
					t.Fatalf("at time step %d the controller is not the minimum of the Q function recorded, by %v", t0, rest)
				}
			}
		}
	}
}

// recordedFit conditions the joint Gaussian that was recorded, and compares with the dynamics.
func recordedFit(t *testing.T, r *trace.Recorder) {
	t.Helper()
	const in, out = massDX + massDU, massDX
	const P = in + out
	mean, _ := r.Array("condition_00/dynamics/joint_mean")
	sigma, _ := r.Array("condition_00/dynamics/joint_covariance")
	F, _ := r.Array("condition_00/dynamics/F")
	f, _ := r.Array("condition_00/dynamics/bias")
	for k := range massT {
		for i := range out {
			// F S_ww = S_xw, and F m_w + f = m_x.
			at := f[k*out+i]
			for j := range in {
				at += F[(k*out+i)*in+j] * mean[k*P+j]
				v := 0.0
				for l := range in {
					v += F[(k*out+i)*in+l] * sigma[(k*P+l)*P+j]
				}
				if want := sigma[(k*P+in+i)*P+j]; math.Abs(v-want) > 1e-9*(1+math.Abs(want)) {
					t.Fatalf("time step %d: F S_ww is %v at [%d, %d], want %v", k, v, i, j, want)
				}
			}
			if want := mean[k*P+in+i]; math.Abs(at-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("time step %d: the fit's mean of state %d is %v, want %v", k, i, at, want)
			}
		}
	}
	// The last E-step's mixture is the one that the fit ends with, or one M-step before it.
	weights, _ := r.Array("condition_00/prior/end/weights")
	sum := 0.0
	for _, v := range weights {
		sum += v
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the mixture's weights sum up to %v", sum)
	}
	list, _ := r.Array("condition_00/prior/log_likelihoods")
	first, _ := r.Array("condition_00/prior/step_00/log_likelihood")
	if len(list) == 0 || first[0] != list[0] {
		t.Errorf("the first log-likelihood is %v, the trace's %v", first, list)
	}
	start, _ := r.Array("condition_00/prior/start/means")
	means, _ := r.Array("condition_00/prior/step_00/means")
	for i, v := range start {
		if math.Abs(means[i]-v) > 1e-9*(1+math.Abs(v)) {
			t.Fatalf("the first E-step's means begin with %v, the start's with %v", means[:i+1], start[:i+1])
		}
	}
}

// TestCostTerms compares the terms' parts with the samples' costs.
func TestCostTerms(t *testing.T) {
	t.Parallel()
	arm := newArm(t, 0, []float64{0.75 * math.Pi, 0.5 * math.Pi}, 0.1)
	action, err := cost.NewAction([]float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := cost.NewSum(cost.Weighted{Term: cost.Named{Name: "cost.torque", Term: action}, Weight: 2}, cost.Weighted{Term: cost.Named{Name: "cost.rest", Term: arm.cost}, Weight: 1})
	if err != nil {
		t.Fatal(err)
	}
	arm.cost = sum
	arm.configure(func(*algorithm.TrajOptConfig) {})
	_, report := arm.iterate(algorithm.NewState(1, 1, []*lqg.Controller{arm.controller}))
	terms := report.Conditions[0].CostTerms
	if len(terms) != 2 || terms[0].Name != "cost.torque" || terms[1].Name != "cost.rest" {
		t.Fatalf("terms %+v, want cost.torque and cost.rest", terms)
	}
	if total := terms[0].Mean + terms[1].Mean; !(terms[0].Mean > 0) || math.Abs(total-report.MeanCost()) > 1e-9*report.MeanCost() {
		t.Errorf("terms %+v sum up to %v, want the mean cost %v", terms, total, report.MeanCost())
	}
}

// BenchmarkRecording runs the same iteration with and without recording in turns, and tells what recording
// adds, in hundredths: of the iteration by itself, and with the file written, which the learner does while the
// next trials run. Both are medians of what pairs of iterations differ by, in turns the one and the other first:
// what else the machine does is as likely to fall on either.
func BenchmarkRecording(b *testing.B) {
	cases := map[string]func(b *testing.B) (algorithm.Algorithm, *algorithm.State, [][]*rollout.Rollout){
		"trajopt/26-7": func(b *testing.B) (algorithm.Algorithm, *algorithm.State, [][]*rollout.Rollout) {
			s := newLargeSystem(b, 1)
			a := s.new(1)
			state, drawn, _ := s.learn(a, 3)
			return a, state, drawn
		},
		"mdgps/arm2": func(b *testing.B) (algorithm.Algorithm, *algorithm.State, [][]*rollout.Rollout) {
			arm := newArm(b, 0, []float64{0.75 * math.Pi, 0.5 * math.Pi}, 0.1)
			cfg := algorithm.DefaultMDGPSConfig()
			cfg.Trajectory.Workers, cfg.Policy.Train.Workers, cfg.Policy.Train.Epochs = 1, 1, 40
			cfg.Policy.Linearise.Method = policy.ByJacobian
			a, err := algorithm.NewMDGPS(cfg, []cost.Term{arm.cost}, 7, 2)
			if err != nil {
				b.Fatal(err)
			}
			state := algorithm.NewState(1, 1, []*lqg.Controller{arm.controller})
			var drawn []*rollout.Rollout
			for n := range samples {
				drawn = append(drawn, arm.sample(arm.controller, algorithm.NoiseSeed(1, 1, 0, n)))
			}
			if state, _, err = a.Iterate(context.Background(), state, [][]*rollout.Rollout{drawn}); err != nil {
				b.Fatal(err)
			}
			return a, state, [][]*rollout.Rollout{drawn}
		},
	}
	for name, build := range cases {
		b.Run(name, func(b *testing.B) {
			a, state, drawn := build(b)
			r, err := trace.NewRecorder(trace.DefaultConfig())
			if err != nil {
				b.Fatal(err)
			}
			iterate := func(ctx context.Context) time.Duration {
				began := time.Now()
				if _, _, err := a.Iterate(ctx, state, drawn); err != nil {
					b.Fatal(err)
				}
				return time.Since(began)
			}
			least := time.Duration(math.MaxInt64)
			var recording, withFile []float64
			var size bytes.Buffer
			for n := 0; b.Loop(); n++ {
				var off, on time.Duration
				for turn := range 2 {
					if turn == n%2 {
						off = iterate(context.Background())
						continue
					}
					r.Reset()
					on = iterate(r.Into(context.Background()))
				}
				began := time.Now()
				if err := r.WriteNPZ(io.Discard); err != nil {
					b.Fatal(err)
				}
				written := time.Since(began)
				least = min(least, off)
				recording = append(recording, 100*(on-off).Seconds()/off.Seconds())
				withFile = append(withFile, 100*(on+written-off).Seconds()/off.Seconds())
			}
			slices.Sort(recording)
			slices.Sort(withFile)
			if err := r.WriteNPZ(&size); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(least.Seconds()*1e3, "ms-off")
			b.ReportMetric(recording[len(recording)/2], "%-recording")
			b.ReportMetric(withFile[len(withFile)/2], "%-with-file")
			b.ReportMetric(float64(size.Len())/1e6, "MB")
			b.ReportMetric(float64(len(r.Names())), "arrays")
		})
	}
}
