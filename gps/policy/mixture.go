package policy

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// MixtureConfig holds the settings of a mixture of controllers.
type MixtureConfig struct {
	// Feature lists the entries of the state that the controllers are told apart by; nil is all.
	Feature []int
	// Weight is the prior weight of each controller, > 0; nil for equal ones.
	Weight []float64
	// Regularization is added to the variances of the states that a controller meets, as a part
	// of each entry's variance over all controllers and time steps, > 0; default 1e-3. It keeps
	// controllers that met one single state from being told apart by rounding.
	Regularization float64
}

// DefaultMixtureConfig returns the defaults.
func DefaultMixtureConfig() MixtureConfig { return MixtureConfig{Regularization: 1e-3} }

// Mixture blends local controllers by how likely each is to meet the state where it is:
//
//	r_k(x, t) ~ w_k N(x; mu_kt, Sigma_kt),  u = sum_k r_k (K_k x + k_k + L_k e)
//
// with the controllers' marginals mu and Sigma. All controllers get the same noise e, so that u is
// the blend of what each would do with it, equals controller k's action where r_k is 1, and is as
// smooth over time as e. Given x its mean is sum r_k m_k and its covariance
// (sum r_k L_k)(sum r_k L_k)', which is below the mean covariance sum r_k C_k by
// sum r_k (L_k - L)(L_k - L)', L the mean factor. The moments of the mixture density would add
// sum r_k (m_k - m)(m_k - m)': on a robot that makes noise of the controllers' disagreement, and
// most of it where none of them knows the state. It owns workspace: one goroutine at a time.
type Mixture struct {
	controllers []*lqg.Controller
	feature     []int
	offset      []float64 // log w_k - log det of the factor, K x T
	mean        []float64 // mu_kt, K x T x dF
	factor      []float64 // lower factors of the regularised Sigma_kt, K x T x dF x dF
	weights     []float64 // K
	delta       []float64 // dF
}

// NewMixture returns the mixture of K controllers of the same sizes and their marginals
// (lqg.ForwardPass), of which the states' part is used. The controllers are shared. Errors wrap
// ErrInvalid, or are those of Controller.Validate.
func NewMixture(controllers []*lqg.Controller, marginals []*lqg.Trajectory, cfg MixtureConfig) (*Mixture, error) {
	if err := checkControllers(controllers); err != nil {
		return nil, err
	}
	K, first := len(controllers), controllers[0]
	T, dX := first.T, first.DX
	p := newMixture(controllers, every(cfg.Feature, dX))
	if err := checkSelection("feature", p.feature, dX); err != nil {
		return nil, err
	}
	switch {
	case !(cfg.Regularization > 0) || math.IsInf(cfg.Regularization, 0):
		return nil, fmt.Errorf("%w: regularization is %v, need a finite number > 0", ErrInvalid, cfg.Regularization)
	case len(marginals) != K || cfg.Weight != nil && len(cfg.Weight) != K:
		return nil, fmt.Errorf("%w: %d controllers with %d marginals and %d weights", ErrInvalid, K, len(marginals), len(cfg.Weight))
	}
	for k, w := range cfg.Weight {
		if !(w > 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("%w: weight of controller %d is %v, need a finite number > 0", ErrInvalid, k, w)
		}
	}
	for k, m := range marginals {
		if m == nil || m.T != T || m.DX != dX || m.DU != first.DU {
			return nil, fmt.Errorf("%w: marginals %d are missing or of another size than the controllers' T=%d dX=%d dU=%d", ErrInvalid, k, T, dX, first.DU)
		}
		p.take(k, m)
	}
	if err := p.prepare(cfg); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

func newMixture(controllers []*lqg.Controller, feature []int) *Mixture {
	K, T, n := len(controllers), controllers[0].T, len(feature)
	return &Mixture{controllers: slices.Clone(controllers), feature: feature, offset: make([]float64, K*T),
		mean: make([]float64, K*T*n), factor: make([]float64, K*T*n*n), weights: make([]float64, K), delta: make([]float64, n)}
}

// take copies the features' part of controller k's marginals.
func (p *Mixture) take(k int, m *lqg.Trajectory) {
	n, D := len(p.feature), m.DX+m.DU
	for t := range m.T {
		mean, cov := block(p.mean, k*m.T+t, n), block(p.factor, k*m.T+t, n*n)
		for i, a := range p.feature {
			mean[i] = m.MeanAt(t)[a]
			for j, b := range p.feature {
				cov[i*n+j] = m.CovAt(t)[a*D+b]
			}
		}
	}
}

// prepare regularises the covariances and factorises them.
func (p *Mixture) prepare(cfg MixtureConfig) error {
	n, T := len(p.feature), p.controllers[0].T
	share := 1 / float64(len(p.offset))
	centre, variance := make([]float64, n), make([]float64, n)
	for i, v := range p.mean {
		centre[i%n] += share * v
	}
	for i, v := range p.mean {
		d := v - centre[i%n]
		variance[i%n] += share * (d*d + p.factor[i/n*n*n+i%n*(n+1)])
	}
	for i, v := range variance {
		if v == 0 {
			variance[i] = 1 // the same for all: any number will do
		}
	}
	for b := range p.offset {
		l := block(p.factor, b, n*n)
		for i := range n {
			l[i*n+i] += cfg.Regularization * variance[i]
		}
		if !dense.Cholesky(l, n) {
			return fmt.Errorf("%w: the states' covariance of controller %d at time step %d is not positive definite or not finite", ErrInvalid, b/T, b%T)
		}
		if cfg.Weight != nil {
			p.offset[b] = math.Log(cfg.Weight[b/T])
		}
		for i := range n {
			p.offset[b] -= math.Log(l[i*n+i])
		}
	}
	return nil
}

// Sizes returns T, dX and dU.
func (p *Mixture) Sizes() (T, dX, dU int) { return p.controllers[0].Sizes() }

// Responsibilities returns r_k(x, t) for the state x (dX), K, as a view that the next call or Act
// overwrites. It does not allocate. A NaN of x makes all of them NaN.
func (p *Mixture) Responsibilities(x []float64, t int) []float64 {
	n, T := len(p.feature), p.controllers[0].T
	highest := math.Inf(-1)
	for k := range p.weights {
		mean, l, distance := block(p.mean, k*T+t, n), block(p.factor, k*T+t, n*n), 0.0
		for i, j := range p.feature { // delta = L^-1 (x - mean)
			v := x[j] - mean[i]
			row := l[i*n : i*n+i+1]
			for c, d := range p.delta[:i] {
				v -= row[c] * d
			}
			p.delta[i] = v / row[i]
			distance += p.delta[i] * p.delta[i]
		}
		p.weights[k] = math.Max(p.offset[k*T+t]-0.5*distance, -math.MaxFloat64)
		highest = math.Max(highest, p.weights[k])
	}
	sum := 0.0
	for k, v := range p.weights {
		p.weights[k] = math.Exp(v - highest)
		sum += p.weights[k]
	}
	for k := range p.weights {
		p.weights[k] /= sum
	}
	return p.weights
}

// Act implements Policy.
func (p *Mixture) Act(dst, x []float64, t int, noise []float64) {
	T, dX, dU := p.Sizes()
	checkAct("mixture", T, dX, dU, dst, x, t, noise)
	clear(dst)
	for k, r := range p.Responsibilities(x, t) {
		if r == 0 {
			continue
		}
		c := p.controllers[k]
		multiply(dst, c.Gain(t), x, r)
		for i, v := range c.BiasAt(t) {
			dst[i] += r * v
		}
		if noise != nil {
			addNoise(dst, c.CholAt(t), noise, r)
		}
	}
}

// Covariance writes the covariance of the action at the state x (dX) and time step t to dst,
// dU x dU.
func (p *Mixture) Covariance(dst, x []float64, t int) {
	T, dX, dU := p.Sizes()
	if len(dst) != dU*dU || len(x) != dX || uint(t) >= uint(T) {
		panic(fmt.Sprintf("policy: covariance of %d numbers at time step %d and %d states of a mixture of T=%d dX=%d dU=%d", len(dst), t, len(x), T, dX, dU))
	}
	l := make([]float64, dU*dU)
	for k, r := range p.Responsibilities(x, t) {
		for i, v := range p.controllers[k].CholAt(t) {
			l[i] += r * v
		}
	}
	multiplyFactor(dst, l, dU)
}

// multiplyFactor writes l l' of a lower factor to dst, both n x n.
func multiplyFactor(dst, l []float64, n int) {
	for i := range n {
		for j := range i + 1 {
			s := 0.0
			for k := range j + 1 {
				s += l[i*n+k] * l[j*n+k]
			}
			dst[i*n+j], dst[j*n+i] = s, s
		}
	}
}

// Fork returns a mixture that shares the controllers and their marginals, for another goroutine.
func (p *Mixture) Fork() *Mixture {
	f := *p
	f.weights, f.delta = make([]float64, len(p.weights)), make([]float64, len(p.delta))
	return &f
}

// Validate returns an error that names the controller or marginal that is wrong.
func (p *Mixture) Validate() error {
	if err := checkControllers(p.controllers); err != nil {
		return err
	}
	n, T := len(p.feature), p.controllers[0].T
	if n == 0 {
		return fmt.Errorf("%w: no feature tells the controllers apart", ErrInvalid)
	}
	for _, part := range []struct {
		name string
		data []float64
	}{{"weight", p.offset}, {"mean state", p.mean}, {"states' covariance factor", p.factor}} {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			b := i * len(p.offset) / len(part.data)
			return fmt.Errorf("%w: %s of controller %d at time step %d has %v", ErrInvalid, part.name, b/T, b%T, part.data[i])
		}
	}
	for b := range p.offset {
		for i := range n {
			if v := p.factor[b*n*n+i*(n+1)]; !(v > 0) {
				return fmt.Errorf("%w: states' covariance factor of controller %d at time step %d has %v on its diagonal", ErrInvalid, b/T, b%T, v)
			}
		}
	}
	return nil
}
