package nn_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/nn"
)

func TestDataErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, spoil := range map[string]func(d *nn.Dataset){
		"observations of 4 numbers and actions of 2, expected 3 and 2": func(d *nn.Dataset) { d.In = 4 },
		"N is 0":                                                     func(d *nn.Dataset) { d.N = 0 },
		"N is -3":                                                    func(d *nn.Dataset) { d.N = -3 },
		"N is 16777217, expected":                                    func(d *nn.Dataset) { d.N = 1<<24 + 1 },
		"X has 59 numbers and Y 40, expected 2":                      func(d *nn.Dataset) { d.X = d.X[1:] },
		"Precision has 79 numbers, expected 20":                      func(d *nn.Dataset) { d.Precision = d.Precision[1:] },
		"Weight has 1 numbers, expected 20 or":                       func(d *nn.Dataset) { d.Weight = d.Weight[:1] },
		"Rollout has 3 numbers, expected 20 or":                      func(d *nn.Dataset) { d.Rollout = d.Rollout[:3] },
		"X of pair 2 is NaN at 1 of 3":                               func(d *nn.Dataset) { d.X[7] = nan },
		"Y of pair 19 is -Inf at 1 of 2":                             func(d *nn.Dataset) { d.Y[39] = -inf },
		"Precision of pair 1 is +Inf at 3 of 4":                      func(d *nn.Dataset) { d.Precision[7] = inf },
		"Weight of pair 3 is 1e+39":                                  func(d *nn.Dataset) { d.Weight[3] = 1e39 },
		"Weight of pair 4 is -1, expected 0 or":                      func(d *nn.Dataset) { d.Weight[4] = -1 },
		"no Weight is positive":                                      func(d *nn.Dataset) { clear(d.Weight) },
		"Precision of pair 5 is not symmetric: element (1, 0)":       func(d *nn.Dataset) { d.Precision[21] += 1 },
		"Precision of pair 6 is not positive semidefinite":           func(d *nn.Dataset) { copy(d.Precision[24:], []float64{1, 2, 2, 1}) },
		"Precision of pair 0 is not positive semidefinite: its lead": func(d *nn.Dataset) { copy(d.Precision, []float64{0, 1, 1, 0}) },
		"Precision of pair 2 is -1 at output 1":                      func(d *nn.Dataset) { d.Precision = make([]float64, 40); d.Precision[5] = -1 },
		"Rollout is empty":                                           func(d *nn.Dataset) { d.Rollout = nil },
		"all 20 pairs are of one rollout":                            func(d *nn.Dataset) { clear(d.Rollout) },
		"observation 2 of pair 1, 1e+38, is normalised to +Inf":      func(d *nn.Dataset) { d.X[5] = 1e38 },
	} {
		n, err := nn.New(nn.Config{Sizes: []int{3, 2}, Hidden: nn.ReLU})
		if err != nil {
			t.Fatal(err)
		}
		n.SetNormalisation([]float64{1, 1, 100}, make([]float64, 3))
		trainer, err := nn.NewTrainer(n, nn.DefaultTrainConfig())
		if err != nil {
			t.Fatal(err)
		}
		d := dataset(rand.New(rand.NewPCG(1, 2)), 20, 3, 2)
		spoil(d)
		if _, err := trainer.Train(context.Background(), d, 1); !errors.Is(err, nn.ErrData) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Precisions that are only semidefinite, such as those of actions that a controller does not care
// for, are trained on.
func TestSemidefinitePrecisions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := dataset(rng, 20, 3, 7)
	for i := range d.N {
		v := normals(rng, 7)
		for r := range 7 {
			for c := range 7 {
				d.Precision[(i*7+r)*7+c] = v[r] * v[c] * 1e6
			}
		}
	}
	clear(d.Precision[:49])
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}

func TestTrainConfigErrors(t *testing.T) {
	if err := nn.DefaultTrainConfig().Validate(); err != nil {
		t.Error(err)
	}
	nan := math.NaN()
	for want, spoil := range map[string]func(c *nn.TrainConfig){
		"rate is 0":         func(c *nn.TrainConfig) { c.Rate = 0 },
		"rate is NaN":       func(c *nn.TrainConfig) { c.Rate = nan },
		"rate_decay is 1.1": func(c *nn.TrainConfig) { c.RateDecay = 1.1 },
		"beta1 is 1":        func(c *nn.TrainConfig) { c.Beta1 = 1 },
		"beta2 is -0.1":     func(c *nn.TrainConfig) { c.Beta2 = -0.1 },
		"epsilon is 0":      func(c *nn.TrainConfig) { c.Epsilon = 0 },
		"weight_decay is 2": func(c *nn.TrainConfig) { c.WeightDecay = 2 },
		"batch is 0":        func(c *nn.TrainConfig) { c.Batch = 0 },
		"epochs is -1":      func(c *nn.TrainConfig) { c.Epochs = -1 },
		"held_out is 1":     func(c *nn.TrainConfig) { c.HeldOut = 1 },
		"patience is 0":     func(c *nn.TrainConfig) { c.Patience = 0 },
		"max_growth is 0.5": func(c *nn.TrainConfig) { c.MaxGrowth = 0.5 },
		"workers is 5000":   func(c *nn.TrainConfig) { c.Workers = 5000 },
	} {
		cfg := nn.DefaultTrainConfig()
		spoil(&cfg)
		if _, err := nn.NewTrainer(nil, cfg); !errors.Is(err, nn.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestNetworkThatIsNotFiniteIsNotTrained(t *testing.T) {
	n, err := nn.New(nn.Config{Sizes: []int{3, 2}, Hidden: nn.ReLU})
	if err != nil {
		t.Fatal(err)
	}
	n.SetLayer(0, make([]float64, 6), []float64{0, math.NaN()})
	trainer, err := nn.NewTrainer(n, nn.DefaultTrainConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trainer.Train(context.Background(), dataset(rand.New(rand.NewPCG(1, 2)), 20, 3, 2), 1); !errors.Is(err, nn.ErrNumber) {
		t.Errorf("%v, want %v", err, nn.ErrNumber)
	}
}

func TestStandardisation(t *testing.T) {
	x := []float64{1, 5, 1e6, 0.1, 3, 5, 1e6 + 2, 0.1 + 1e-16, 5, 5.5, 1e6 + 4, 0.1, 7, 5.5, 1e6 + 6, 0.1}
	scale, bias, err := nn.Standardisation(x, 4, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	root := math.Sqrt(5)
	for i, want := range [][2]float64{{1 / root, -4 / root}, {2, -10.5}, {1 / root, -(1e6 + 3) / root}, {0, 0}} {
		if math.Abs(scale[i]-want[0]) > 1e-12 || math.Abs(bias[i]-want[1]) > 1e-9*math.Abs(want[1]) {
			t.Errorf("column %d: %v, %v, want %v", i, scale[i], bias[i], want)
		}
	}
	for _, c := range []struct {
		x     []float64
		in    int
		floor float64
		want  string
	}{{nil, 3, 1, "0 numbers in rows of 3"}, {x, 5, 1, "rows of 5"}, {x, 0, 1, "rows of 0"}, {x, 3, 0, "floor 0"}, {x, 3, math.NaN(), "floor NaN"},
		{[]float64{1, math.NaN()}, 2, 1, "column 1"}, {[]float64{1, 2, math.Inf(1), 3}, 2, 1, "column 0"}, {[]float64{1e200, -1e200}, 1, 1, "column 0"}} {
		if _, _, err := nn.Standardisation(c.x, c.in, c.floor); !errors.Is(err, nn.ErrData) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// FuzzTrain trains on whatever numbers: what comes out is an error, or finite.
func FuzzTrain(f *testing.F) {
	bytes := func(v ...float64) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return b
	}
	f.Add(1, 1, 0.1, bytes(1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(2, 2, 1.0, bytes(1e30, -1e30, 1e38, 4, -5, 0, math.Inf(1), 8))
	f.Add(3, 1, 0.5, bytes(math.NaN(), 1e-40, 3, -1, 5, 6e5, 7, 1e20, 0.5, 2, 1, -0.25))
	f.Fuzz(func(t *testing.T, in, out int, rate float64, raw []byte) {
		in, out = 1+in&3, 1+out&3
		var v []float64
		for ; len(raw) >= 8 && len(v) < 400; raw = raw[8:] {
			v = append(v, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
		}
		take := func(n int) []float64 {
			n = min(n, len(v))
			taken := v[:n]
			v = v[n:]
			return taken
		}
		d := &nn.Dataset{N: len(v) / (in + out + out*out + 1), In: in, Out: out}
		d.X, d.Y, d.Precision, d.Weight = take(d.N*in), take(d.N*out), take(d.N*out*out), take(d.N)
		for i := range d.N {
			d.Rollout = append(d.Rollout, i/2)
		}
		cfg := nn.DefaultTrainConfig()
		cfg.Rate, cfg.Epochs, cfg.Batch = rate, 4, 3
		n, err := nn.New(nn.Config{Sizes: []int{in, 5, out}, Hidden: nn.ReLU})
		if err != nil {
			t.Fatal(err)
		}
		n.Initialise(1)
		before := numbers(n)
		trainer, err := nn.NewTrainer(n, cfg)
		if err != nil {
			return
		}
		report, err := trainer.Train(context.Background(), d, 1)
		if err != nil {
			if !equal(before, numbers(n)) {
				t.Error("a training that failed changed the network")
			}
			return
		}
		if err := n.Validate(); err != nil {
			t.Error(err)
		}
		losses := append(report.TrainLoss, report.HeldOutLoss...)
		for _, loss := range losses { // a precision may be indefinite by rounding
			if loss-loss != 0 || loss < -1e-4*slices.Max(losses) {
				t.Errorf("a loss is %v", loss)
			}
		}
	})
}
