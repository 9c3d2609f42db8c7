package mixture_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// numbers reads up to 240 float64 from data.
func numbers(data []byte) []float64 {
	var out []float64
	for ; len(data) >= 8 && len(out) < 240; data = data[8:] {
		out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(data)))
	}
	return out
}

func bytesOf(values ...float64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

// Whatever the points: a start and a fit end with an error or a mixture whose
// log-likelihood never fell and that answers queries.
func FuzzFit(f *testing.F) {
	f.Add(bytesOf(0, 1, 2, 3, 4, 5, 6, 7), uint8(2), uint8(2), uint8(0), 1e-6)
	f.Add(bytesOf(1, 1, 1, 1, 1, 1), uint8(1), uint8(3), uint8(1), 1e-6)
	f.Add(bytesOf(1e8, 1e8+1, 1e8, 1e8+2, 1e-8, -1e8), uint8(2), uint8(2), uint8(2), 0.0)
	f.Add(bytesOf(math.NaN(), 1, 2, 3), uint8(1), uint8(1), uint8(0), 1e-6)
	f.Add(bytesOf(math.Inf(1), 1, 2, 3), uint8(2), uint8(1), uint8(0), 1e-6)
	f.Add(bytesOf(1e300, -1e300, 1e-300, 5e-324), uint8(1), uint8(2), uint8(0), 1e-6)
	f.Add(bytesOf(1e99, -1e99, 1e-99, 0, 3, 1e99), uint8(1), uint8(2), uint8(1), 1e100)
	f.Add(bytesOf(1e-99, 2e-99, 3e-99, -1e-101, 0, 0), uint8(1), uint8(2), uint8(1), 1e-300)
	f.Fuzz(func(t *testing.T, data []byte, dimensions, components, method uint8, regularization float64) {
		D, K := 1+int(dimensions%6), 1+int(components%6)
		points := numbers(data)
		points = points[:len(points)/D*D]
		cfg := mixture.DefaultConfig()
		cfg.Method, cfg.Regularization, cfg.Starts = methods[int(method)%len(methods)], regularization, 1+int(method)%2
		cfg.MaxIterations = 30
		m, err := mixture.Start(context.Background(), rand.New(rand.NewPCG(1, uint64(method))), points, D, K, cfg)
		if err != nil {
			return
		}
		trace, err := mixture.Fit(context.Background(), m, points, cfg)
		if err != nil {
			return
		}
		checkTrace(t, m, trace)
		q, err := mixture.NewQuery(m)
		if err != nil {
			return // a variance in own units is out of float64's range
		}
		var p mixture.Prior
		if q.Prior(&p, points) == nil {
			finite(t, p.Mean, p.Cov, []float64{p.M, p.N0})
		}
	})
}

// Whatever the mixture and the points: a query ends with an error or finite moments.
func FuzzQuery(f *testing.F) {
	f.Add(bytesOf(0, 1, -0.7, 5, 2, -0.7), bytesOf(0, 1, 1e200, -1e308))
	f.Add(bytesOf(0, 1e-300, -700, 5, 1e300, 0), bytesOf(0, 1e-200))
	f.Add(bytesOf(1e308, 1, 0, -1e308, 1, 0), bytesOf(1e308, -1e308))
	f.Add(bytesOf(0, 0, 0), bytesOf(1))
	f.Add(bytesOf(math.NaN(), 1, math.Inf(-1)), bytesOf(math.NaN()))
	f.Fuzz(func(t *testing.T, parameters, data []byte) {
		values, points := numbers(parameters), numbers(data)
		K := min(8, len(values)/3)
		if K == 0 {
			return
		}
		m := mixture.New(K, 1)
		for k := range K {
			m.Means[k], m.Covs[k], m.LogWeights[k] = values[3*k], values[3*k+1], values[3*k+2]
		}
		q, err := mixture.NewQuery(m)
		if err != nil {
			return
		}
		var p mixture.Prior
		if q.Prior(&p, points) == nil {
			finite(t, p.Mean, p.Cov, []float64{p.M, p.N0}, q.Weights(points))
		}
		if l, err := m.LogLikelihood(points); err == nil {
			finite(t, []float64{l})
		}
	})
}
