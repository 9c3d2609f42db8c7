package nn_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/nn"
)

// forms returns a dataset with each form of precision, and without weights.
func forms(d *nn.Dataset) map[string]*nn.Dataset {
	diagonal, identity, unweighted := *d, *d, *d
	diagonal.Precision, identity.Precision, unweighted.Weight = d.Precision[:d.N*d.Out], nil, nil
	diagonal.Precision = append([]float64(nil), diagonal.Precision...)
	for i, v := range diagonal.Precision {
		diagonal.Precision[i] = math.Abs(v)
	}
	return map[string]*nn.Dataset{"full": d, "diagonal": &diagonal, "identity": &identity, "unweighted": &unweighted}
}

// The gradient is that of finite differences of the definition in float64, for one block and for
// several, and for chunks of a block.
func TestGradientIsThatOfTheDefinition(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		pairs int
	}{{[]int{2, 1}, 1}, {[]int{3, 5, 2}, 7}, {[]int{4, 17, 3, 2}, 64}, {[]int{5, 33, 16, 4}, 100}, {[]int{3, 6, 2}, 300}, {[]int{2, 3, 3}, 2500}} {
		for _, cfg := range activated(c.sizes) {
			rng := rand.New(rand.NewPCG(11, uint64(c.pairs)))
			for name, d := range forms(dataset(rng, c.pairs, c.sizes[0], c.sizes[len(c.sizes)-1])) {
				n, o := random(t, rng, cfg)
				trainer, err := nn.NewTrainer(n, nn.DefaultTrainConfig())
				if err != nil {
					t.Fatal(err)
				}
				s, stop, err := nn.NewStepper(trainer, d)
				if err != nil {
					t.Fatal(err)
				}
				loss, gradient := s.Gradient()
				stop()
				if want := o.loss(d); math.Abs(loss-want) > 1e-5*want {
					t.Errorf("%v %s: loss %v, want %v", cfg, name, loss, want)
				}
				parameters := o.parameters()
				if len(gradient) != len(parameters) {
					t.Fatalf("%d derivatives for %d parameters", len(gradient), len(parameters))
				}
				for i := 0; i < len(parameters); i += 1 + len(parameters)/60 {
					const h = 1e-6
					p := parameters[i]
					was := *p
					*p = was + h
					ahead := o.loss(d)
					*p = was - h
					behind := o.loss(d)
					*p = was
					if want := (ahead - behind) / (2 * h); math.Abs(gradient[i]-want) > 2e-5*(1+math.Abs(want)+loss) {
						t.Errorf("%v %s: derivative %d of %d is %v, want %v", cfg, name, i, len(gradient), gradient[i], want)
					}
				}
			}
		}
	}
}

// Five steps on all pairs of a 2-3-2 network, as torch 1.13's AdamW takes them in float64 with
// rate 0.05, betas 0.8 and 0.95, epsilon 1e-3 and no decay of biases.
func TestStepsAreTorchs(t *testing.T) {
	d := &nn.Dataset{N: 4, In: 2, Out: 2, X: []float64{1, 2, -0.5, 0.25, 0, -1.5, 3, 1}, Y: []float64{0.5, -1, 0.25, 1, -2, 0, 1.5, 0.5},
		Precision: []float64{2, 0.5, 0.5, 1, 1, -0.25, -0.25, 0.5, 0.5, 0, 0, 4, 1, 1, 1, 1}, Weight: []float64{1, 0.5, 2, 0.25}}
	for _, c := range []struct {
		hidden nn.Activation
		decay  float64
		losses []float64
		want   []float64
	}{
		{nn.ReLU, 0, []float64{3.42376804352, 2.46294229126, 1.77820300329, 1.31960605041, 1.01859157726}, []float64{
			0.379702022932, -0.0169589253955, 0.526493338596, 0.772956071368, -0.270303185832, 0.360634775353,
			0.0355455425149, -0.725938121714, 0.226591120497,
			0.776858975299, -0.261842876502, 0.492330387035, 0.382654765153, 0.533447882659, -1.23852297293,
			-0.122914389402, -0.398296048566}},
		{nn.ReLU, 0.1, []float64{3.42376804352, 2.43207223545, 1.74126290678, 1.2901505164, 0.999789573553}, []float64{
			0.373394086289, -0.0141013751449, 0.511747519339, 0.751830666562, -0.261741416942, 0.354031568418,
			0.0366309803723, -0.724653858258, 0.225115392901,
			0.755321114981, -0.2528967363, 0.483910384332, 0.374503903888, 0.518745095034, -1.21098242259,
			-0.123419319143, -0.395132104312}},
		{nn.Tanh, 0, []float64{1.81902759127, 1.49921373085, 1.23785421368, 0.998622872775, 0.80853239868}, []float64{
			0.6115508947, -0.0108623863548, 0.801576550257, 1.2379430482, -0.277673789568, 0.330806776857,
			0.158948295575, -0.260960714332, 0.00620310731627,
			0.767628610514, -0.260090885613, 0.499520421623, 0.481934328534, 0.709493502594, -0.999368779335,
			-0.126339486317, -0.331607082904}},
		{nn.Tanh, 0.1, []float64{1.81902759127, 1.49158978051, 1.22682735644, 0.98787956289, 0.799901951245}, []float64{
			0.598241637527, -0.0075721199124, 0.784287711915, 1.21040844179, -0.268672738079, 0.326517338245,
			0.15881419299, -0.261322271025, 0.00173340155046,
			0.745942827142, -0.250242622484, 0.490792059339, 0.472945479149, 0.685837050761, -0.98107198468,
			-0.126253107844, -0.329645203137}},
	} {
		n, err := nn.New(nn.Config{Sizes: []int{2, 3, 2}, Hidden: c.hidden})
		if err != nil {
			t.Fatal(err)
		}
		n.SetLayer(0, []float64{0.5, -0.25, 0.75, 1, -0.5, 0.125}, []float64{0.25, -0.5, 0})
		n.SetLayer(1, []float64{1, -0.5, 0.25, 0.5, 0.75, -1}, []float64{0.125, -0.25})
		n.SetNormalisation([]float64{0.5, 2}, []float64{0.25, -0.125})
		cfg := nn.DefaultTrainConfig()
		cfg.Rate, cfg.Beta1, cfg.Beta2, cfg.Epsilon, cfg.WeightDecay, cfg.Epochs, cfg.HeldOut = 0.05, 0.8, 0.95, 1e-3, c.decay, 5, 0
		trainer, err := nn.NewTrainer(n, cfg)
		if err != nil {
			t.Fatal(err)
		}
		report, err := trainer.Train(context.Background(), d, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.losses {
			if math.Abs(report.TrainLoss[i+1]-want) > 2e-6*want {
				t.Errorf("%s, decay %v: loss of step %d is %v, want %v", c.hidden, c.decay, i, report.TrainLoss[i+1], want)
			}
		}
		for i, got := range numbers(n) {
			if math.Abs(got-c.want[i]) > 3e-6 {
				t.Errorf("%s, decay %v: parameter %d is %v, want %v", c.hidden, c.decay, i, got, c.want[i])
			}
		}
		if report.BestEpoch != 5 || report.Steps != 5 || report.Train != 4 || report.HeldOut != 0 || report.Stopped || len(report.HeldOutLoss) != 0 {
			t.Errorf("report %+v", report)
		}
	}
}

// train trains a network of its own, initialised for seed 1, and returns it with its trainer.
func train(t *testing.T, sizes []int, cfg nn.TrainConfig, d *nn.Dataset, seed uint64) (*nn.Network, *nn.Trainer, *nn.Report) {
	t.Helper()
	n, err := nn.New(nn.Config{Sizes: sizes, Hidden: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	n.Initialise(1)
	trainer, err := nn.NewTrainer(n, cfg)
	if err != nil {
		t.Fatal(err)
	}
	report, err := trainer.Train(context.Background(), d, seed)
	if err != nil {
		t.Fatal(err)
	}
	return n, trainer, report
}

// A network of one layer learns the least-squares solution of the weighted normal equations, here
// for one input, where targets disagree: a = (sum w P)^-1 sum w P y.
func TestPrecisionsWeighTargets(t *testing.T) {
	d := &nn.Dataset{N: 2, In: 1, Out: 2, X: []float64{1, 1}, Y: []float64{1, 0, 0, 2}, Precision: []float64{2, 0.5, 0.5, 1, 1, -0.5, -0.5, 3}, Weight: []float64{1, 0.5}}
	cfg := nn.DefaultTrainConfig()
	cfg.Rate, cfg.RateDecay, cfg.HeldOut, cfg.Epochs = 0.05, 0.99, 0, 1000
	n, _, _ := train(t, []int{1, 2}, cfg, d, 1)
	y := make([]float64, 2)
	n.NewWorkspace().Forward(y, []float64{1})
	// sum w P = [2.5 0.25; 0.25 2.5], sum w P y = [2 - 0.5; 0.5 + 3].
	determinant := 2.5*2.5 - 0.25*0.25
	for i, want := range []float64{(2.5*1.5 - 0.25*3.5) / determinant, (2.5*3.5 - 0.25*1.5) / determinant} {
		if math.Abs(y[i]-want) > 1e-4 {
			t.Errorf("output %d is %v, want %v", i, y[i], want)
		}
	}
}

// target is a smooth function that networks of this size can learn.
func target(rng *rand.Rand, rollouts, steps int, noise float64) *nn.Dataset {
	d := &nn.Dataset{N: rollouts * steps, In: 3, Out: 2}
	for r := range rollouts {
		for range steps {
			x := normals(rng, 3)
			d.X = append(d.X, x...)
			d.Y = append(d.Y, math.Sin(x[0])-x[1]+noise*rng.NormFloat64(), 0.5*x[2]*x[0]+noise*rng.NormFloat64())
			d.Rollout = append(d.Rollout, 100-r)
		}
	}
	return d
}

func TestLearnsAFunction(t *testing.T) {
	d := target(rand.New(rand.NewPCG(20, 1)), 20, 50, 0)
	cfg := nn.DefaultTrainConfig()
	cfg.Rate, cfg.RateDecay, cfg.Epochs = 5e-3, 0.98, 150
	n, _, report := train(t, []int{3, 32, 32, 2}, cfg, d, 5)
	first, last := report.HeldOutLoss[0], report.HeldOutLoss[report.BestEpoch]
	if !(last < first/200) {
		t.Errorf("the held-out loss falls from %v to %v only, in %d epochs", first, last, len(report.TrainLoss)-1)
	}
	other := target(rand.New(rand.NewPCG(20, 2)), 10, 10, 0)
	if loss := same(n).loss(other); !(loss < first/50) {
		t.Errorf("the loss on other observations is %v, before training it was %v", loss, first)
	}
}

// Training stops when held-out rollouts get worse, and keeps the network of the best epoch, moments
// included: training for so many epochs gives the same.
func TestStopsEarlyWithTheBest(t *testing.T) {
	d := target(rand.New(rand.NewPCG(21, 1)), 4, 10, 1) // few and noisy
	cfg := nn.DefaultTrainConfig()
	cfg.Rate, cfg.Batch, cfg.Epochs, cfg.Patience, cfg.HeldOut = 5e-3, 8, 5000, 15, 0.25
	var told []nn.Progress
	n, trainer, report := train(t, []int{3, 64, 2}, cfg, d, 7)
	if !report.Stopped || report.BestEpoch == 0 || len(report.TrainLoss) != report.BestEpoch+cfg.Patience+1 || len(report.HeldOutLoss) != len(report.TrainLoss) {
		t.Fatalf("stopped %v after %d epochs, the best was %d", report.Stopped, len(report.TrainLoss)-1, report.BestEpoch)
	}
	for e, loss := range report.HeldOutLoss {
		if loss < report.HeldOutLoss[report.BestEpoch] {
			t.Errorf("epoch %d has loss %v, the best one %v", e, loss, report.HeldOutLoss[report.BestEpoch])
		}
	}
	if s := trainer.State(); s.Steps != uint64(4*report.BestEpoch) {
		t.Errorf("the state is that of step %d, want %d", s.Steps, 4*report.BestEpoch)
	}
	if report.HeldOut != 10 || report.Train != 30 || report.Steps != 4*(len(report.TrainLoss)-1) {
		t.Errorf("%d pairs held out, %d trained on in %d steps", report.HeldOut, report.Train, report.Steps)
	}
	cfg.Epochs = report.BestEpoch
	again, trainerAgain, second := train(t, []int{3, 64, 2}, cfg, d, 7)
	if !equal(numbers(n), numbers(again)) || second.Stopped || second.BestEpoch != report.BestEpoch {
		t.Error("the network kept is not that of the best epoch")
	}
	if a, b := trainer.State(), trainerAgain.State(); a.Steps != b.Steps || !equal(a.First, b.First) || !equal(a.Second, b.Second) {
		t.Error("the moments kept are not those of the best epoch")
	}
	// Progress says what the report says.
	trainer.Progress = func(p nn.Progress) { told = append(told, p) }
	more, err := trainer.Train(context.Background(), d, 8)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range told {
		if p.Epoch != i+1 || p.Epochs != 5000 || p.TrainLoss != more.TrainLoss[i+1] || p.HeldOutLoss != more.HeldOutLoss[i+1] {
			t.Fatalf("epoch %d: %+v", i+1, p)
		}
	}
	if len(told) != len(more.TrainLoss)-1 {
		t.Errorf("%d epochs are told of %d", len(told), len(more.TrainLoss)-1)
	}
}

// Rollouts are held out whole.
func TestWholeRolloutsAreHeldOut(t *testing.T) {
	for _, c := range []struct {
		part            float64
		rollouts, whole int
	}{{0.1, 5, 1}, {0.5, 6, 3}, {0.9, 2, 1}, {0.9, 5, 4}, {0.25, 8, 2}} {
		d := target(rand.New(rand.NewPCG(1, 1)), c.rollouts, 7, 0)
		sets := map[string]bool{}
		for seed := range uint64(40) {
			training, held := nn.Split(d, c.part, seed)
			seen := map[int]string{}
			for _, i := range training {
				seen[d.Rollout[i]] = "trained on"
			}
			whole := map[int]int{}
			for _, i := range held {
				if seen[d.Rollout[i]] != "" {
					t.Fatalf("rollout %d is trained on and held out", d.Rollout[i])
				}
				whole[d.Rollout[i]]++
			}
			if len(whole) != c.whole || len(training)+len(held) != d.N {
				t.Fatalf("%d rollouts of %d are held out, want %d; %d and %d pairs", len(whole), c.rollouts, c.whole, len(training), len(held))
			}
			sets[fmt.Sprint(held)] = true
		}
		if len(sets) < 2 {
			t.Error("the seed does not matter")
		}
	}
}

// Rollouts that are named are held out, whatever the seed.
func TestNamedRolloutsAreHeldOut(t *testing.T) {
	d := target(rand.New(rand.NewPCG(1, 1)), 6, 7, 0)
	d.HeldOut = []int{d.Rollout[0], d.Rollout[d.N-1]}
	for seed := range uint64(5) {
		training, held := nn.Split(d, 0.1, seed)
		if len(held) != 14 || len(training) != 28 {
			t.Fatalf("%d pairs are held out, %d trained on", len(held), len(training))
		}
		for _, i := range held {
			if !slices.Contains(d.HeldOut, d.Rollout[i]) {
				t.Fatalf("pair %d of rollout %d is held out", i, d.Rollout[i])
			}
		}
	}
	cfg := nn.DefaultTrainConfig()
	for _, names := range [][]int{{-7}, {}, {0, 1, 2, 3, 4, 5}} {
		d.HeldOut = names
		n, err := nn.New(nn.Config{Sizes: []int{d.In, 3, d.Out}, Hidden: nn.Tanh})
		if err != nil {
			t.Fatal(err)
		}
		trainer, err := nn.NewTrainer(n, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trainer.Train(t.Context(), d, 1); !errors.Is(err, nn.ErrData) || !strings.Contains(err.Error(), "HeldOut") {
			t.Errorf("%v: error %v", names, err)
		}
	}
}

// One seed gives the same bits on any number of workers; another seed gives others.
func TestWorkersGiveTheSameBits(t *testing.T) {
	d := dataset(rand.New(rand.NewPCG(22, 1)), 1500, 6, 3)
	cfg := nn.DefaultTrainConfig()
	cfg.Batch, cfg.Epochs = 400, 3
	var want []float64
	for _, workers := range []int{1, 2, 3, 7, 0} {
		cfg.Workers = workers
		n, trainer, report := train(t, []int{6, 40, 3}, cfg, d, 9)
		state := trainer.State()
		got := append(append(append(append(numbers(n), state.First...), state.Second...), report.TrainLoss...), report.HeldOutLoss...)
		if want == nil {
			want = got
		}
		if !equal(got, want) {
			t.Errorf("%d workers give other numbers than one", workers)
		}
	}
	cfg.HeldOut = 0 // so that the order of pairs is all that the seed is for
	first, _, _ := train(t, []int{6, 40, 3}, cfg, d, 9)
	if n, _, _ := train(t, []int{6, 40, 3}, cfg, d, 10); equal(numbers(n), numbers(first)) {
		t.Error("another seed gives the same network")
	}
}

// All paths of the kernels but plain give the same bits.
func TestKernelPathsTrainTheSameNetwork(t *testing.T) {
	before, err := kernel.Active()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := kernel.Use(before); err != nil {
			t.Error(err)
		}
	}()
	d := dataset(rand.New(rand.NewPCG(23, 1)), 150, 6, 3)
	cfg := nn.DefaultTrainConfig()
	cfg.Batch, cfg.Epochs, cfg.WeightDecay = 70, 3, 0.01
	var want []float64
	for _, path := range kernel.Available() {
		if path == kernel.Plain {
			continue
		}
		if _, err := kernel.Use(path); err != nil {
			t.Fatal(err)
		}
		n, _, report := train(t, []int{6, 20, 9, 3}, cfg, d, 9)
		w, y, j := n.NewWorkspace(), make([]float64, 3), make([]float64, 18)
		w.Jacobian(j, y, d.X[:6])
		got := append(append(append(numbers(n), report.HeldOutLoss...), y...), j...)
		if want == nil {
			want = got
		}
		if !equal(got, want) {
			t.Errorf("%s gives other numbers", path)
		}
	}
}

// A second training goes on from the first one's moments, which are all that a trainer carries.
func TestTrainingGoesOn(t *testing.T) {
	d := dataset(rand.New(rand.NewPCG(24, 1)), 200, 4, 2)
	cfg := nn.DefaultTrainConfig()
	cfg.Epochs, cfg.HeldOut = 3, 0
	n, trainer, _ := train(t, []int{4, 20, 2}, cfg, d, 1)
	kept, state := n.Clone(), trainer.State()
	fresh := n.Clone()
	next := func(n *nn.Network, state *nn.State) []float64 {
		trainer, err := nn.NewTrainer(n, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if state != nil {
			trainer.SetState(*state)
		}
		if _, err := trainer.Train(context.Background(), d, 2); err != nil {
			t.Fatal(err)
		}
		return numbers(n)
	}
	if _, err := trainer.Train(context.Background(), d, 2); err != nil {
		t.Fatal(err)
	}
	if !equal(next(kept, &state), numbers(n)) {
		t.Error("a trainer with the state goes on otherwise than the one that had it")
	}
	if equal(next(fresh, nil), numbers(n)) {
		t.Error("the state makes no difference")
	}
}

// Training that fails leaves the network and the trainer as they were.
func TestFailedTrainingChangesNothing(t *testing.T) {
	d := target(rand.New(rand.NewPCG(25, 1)), 10, 20, 0)
	big := *d
	big.Y = append([]float64(nil), d.Y...)
	big.Y[7] = 3e38
	wide := *d
	wide.X = append([]float64(nil), d.X...)
	for i := range 20 * 3 { // all of the first rollout
		wide.X[i] = 3e37
	}
	ctx, cancel := context.WithCancel(context.Background())
	for name, c := range map[string]struct {
		data    *nn.Dataset
		seed    uint64
		bias    float64 // of the first layer
		rate    float64
		growth  float64
		cancel  int
		is      error
		message string
	}{
		"grows":     {data: d, rate: 1, growth: 1, is: nn.ErrDiverged, message: "max_growth 1 times"},
		"overflows": {data: &big, rate: 1e-3, growth: 100, is: nn.ErrDiverged, message: "one of its moments is +Inf"},
		"explodes":  {data: &wide, rate: 1, growth: 1e30, is: nn.ErrDiverged, message: "at step"},
		"held out":  {data: &wide, seed: heldOut(&wide, 100), rate: 1, growth: 1e30, is: nn.ErrDiverged, message: "held-out loss is"},
		"from on":   {data: &wide, bias: 3e38, rate: 1, growth: 1e30, is: nn.ErrDiverged, message: "before the first step"},
		"cancelled": {data: d, rate: 1e-3, growth: 100, cancel: 3, is: context.Canceled, message: "training was ended"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := nn.DefaultTrainConfig()
			cfg.Rate, cfg.MaxGrowth, cfg.Batch = c.rate, c.growth, 16
			n, err := nn.New(nn.Config{Sizes: []int{3, 20, 2}, Hidden: nn.ReLU})
			if err != nil {
				t.Fatal(err)
			}
			n.Initialise(1)
			if c.bias != 0 {
				weights, bias := n.Layer(1)
				for i := range weights {
					weights[i] = c.bias
				}
				n.SetLayer(1, weights, bias)
			}
			trainer, err := nn.NewTrainer(n, cfg)
			if err != nil {
				t.Fatal(err)
			}
			before, state := numbers(n), trainer.State()
			trainer.Progress = func(p nn.Progress) {
				if p.Epoch == c.cancel {
					cancel()
				}
			}
			if report, err := trainer.Train(ctx, c.data, c.seed); report != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("error %v, want one of %v that says %q", err, c.is, c.message)
			}
			after := trainer.State()
			if !equal(before, numbers(n)) || state.Steps != after.Steps || !equal(state.First, after.First) || !equal(state.Second, after.Second) {
				t.Error("something has changed")
			}
		})
		ctx, cancel = context.WithCancel(context.Background())
	}
	cancel()
}

// heldOut returns a seed for which the rollout is the one of ten that is held out.
func heldOut(d *nn.Dataset, rollout int) uint64 {
	for seed := uint64(0); ; seed++ {
		if _, held := nn.Split(d, 0.1, seed); d.Rollout[held[0]] == rollout {
			return seed
		}
	}
}

// The rate of the second epoch is that of the first times the decay.
func TestRateDecays(t *testing.T) {
	d := dataset(rand.New(rand.NewPCG(26, 1)), 1, 3, 2)
	cfg := nn.DefaultTrainConfig()
	cfg.Epochs, cfg.HeldOut, cfg.RateDecay = 2, 0, 0.25
	want, _, _ := train(t, []int{3, 4, 2}, cfg, d, 1)
	cfg.Epochs = 1
	n, trainer, _ := train(t, []int{3, 4, 2}, cfg, d, 1)
	state := trainer.State()
	cfg.Rate *= 0.25
	trainer, err := nn.NewTrainer(n, cfg)
	if err != nil {
		t.Fatal(err)
	}
	trainer.SetState(state)
	if _, err := trainer.Train(context.Background(), d, 1); err != nil {
		t.Fatal(err)
	}
	if !equal(numbers(n), numbers(want)) {
		t.Errorf("%v with a decay, %v with the rate set", numbers(want), numbers(n))
	}
}

func TestStepsAllocateNothing(t *testing.T) {
	n, _ := random(t, rand.New(rand.NewPCG(5, 6)), nn.DefaultConfig(26, 7))
	cfg := nn.DefaultTrainConfig()
	cfg.Workers = 2
	trainer, err := nn.NewTrainer(n, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, pairs := range []int{25, 64, 300} {
		s, stop, err := nn.NewStepper(trainer, dataset(rand.New(rand.NewPCG(1, 1)), pairs, 26, 7))
		if err != nil {
			t.Fatal(err)
		}
		if a := testing.AllocsPerRun(50, func() { s.Step() }); a != 0 {
			t.Errorf("a step on %d pairs allocates %v times", pairs, a)
		}
		stop()
	}
}

// A network that nearly fits already may get worse than it is without having diverged: Adam's first
// steps are as large as the rate.
func TestANetworkThatFitsIsNotCalledDivergent(t *testing.T) {
	d := &nn.Dataset{N: 3, In: 1, Out: 1, X: []float64{1, 2, -1}, Y: []float64{1, 2.0001, -1}}
	n, err := nn.New(nn.Config{Sizes: []int{1, 1}, Hidden: nn.ReLU})
	if err != nil {
		t.Fatal(err)
	}
	n.SetLayer(0, []float64{1}, []float64{0})
	cfg := nn.DefaultTrainConfig()
	cfg.Rate, cfg.HeldOut, cfg.Epochs = 0.01, 0, 3
	trainer, err := nn.NewTrainer(n, cfg)
	if err != nil {
		t.Fatal(err)
	}
	report, err := trainer.Train(context.Background(), d, 1)
	if err != nil {
		t.Fatal(err)
	}
	if report.TrainLoss[2] < cfg.MaxGrowth*report.TrainLoss[0] {
		t.Errorf("losses %v do not grow beyond %v times the first", report.TrainLoss, cfg.MaxGrowth)
	}
}
