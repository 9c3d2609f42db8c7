package dynamics

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// basis is one time step's basis of weights in which X'X and Lambda are both diagonal, so
// that any s^2 is as good as solved: of the inputs z = [([x; u] - center)/scale; 1],
// vectors is V (P x P) with V'(Z'Z + delta Lambda)V = I and V' Lambda V = diag(m).
type basis struct {
	center, scale []float64
	vectors, m    []float64
	delta         float64
}

// data is the j-th diagonal entry of V'Z'Z V.
func (b *basis) data(j int) float64 { return 1 - b.delta*b.m[j] }

// precision is the j-th diagonal entry of V'(Z'Z + s^2 Lambda)V.
func (b *basis) precision(j int, s2 float64) float64 { return b.data(j) + s2*b.m[j] }

// input writes z of [x; u] to dst (P).
func (b *basis) input(dst, w []float64) {
	for j, c := range b.center {
		dst[j] = (w[j] - c) / b.scale[j]
	}
	dst[len(b.center)] = 1
}

// column writes the j-th vector of the basis to dst (P), in the weights of [x; u; 1].
func (b *basis) column(dst []float64, j int) {
	d, P := len(b.center), len(b.m)
	dst[d] = b.vectors[d*P+j]
	for k := range d {
		dst[k] = b.vectors[k*P+j] / b.scale[k]
		dst[d] -= b.center[k] * dst[k]
	}
}

// regression fits one time step after the other; it holds the workspace.
type regression struct {
	cfg          BayesianConfig
	n, dX, d, P  int       // samples, states, inputs, weights
	points       []float64 // of the time step, N rows [x; u; x']
	inputs       []float64 // Z, N x P
	targets      []float64 // Y, N x dX: x' minus what the nominal model says
	gram, factor []float64 // Z'Z + delta Lambda and its Cholesky factor, P x P
	lambda       []float64 // Lambda of the standardised inputs, P x P
	rotated      []float64 // Z V, N x P
	projected    []float64 // V'Z'Y, P x dX
	weights      []float64 // of one state, in the basis, P
	residuals    []float64 // N x dX
	eigen        *dense.Eigen
	noise        *spectral
}

func newRegression(cfg BayesianConfig, n, dX, dU int) *regression {
	d := dX + dU
	P := d + 1
	return &regression{cfg: cfg, n: n, dX: dX, d: d, P: P, inputs: make([]float64, n*P), targets: make([]float64, n*dX),
		gram: make([]float64, P*P), factor: make([]float64, P*P), lambda: make([]float64, P*P), rotated: make([]float64, n*P), projected: make([]float64, P*dX),
		weights: make([]float64, P), residuals: make([]float64, n*dX), eigen: dense.NewEigen(P), noise: newSpectral(dX)}
}

func (r *regression) fit(post *Posterior, t int, samples []*rollout.Rollout, prior *WeightPrior) error {
	n, P, dX := r.n, r.P, r.dX
	b := basis{center: make([]float64, r.d), scale: make([]float64, r.d), vectors: make([]float64, P*P), m: make([]float64, P)}
	r.points = transitions(r.points[:0], samples, t)
	r.standardize(&b, r.points, prior.Nominal, t)
	if err := r.diagonalize(&b, prior.Precision); err != nil {
		return err
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, dense.Matrix(n, P, P, r.inputs), dense.Matrix(P, P, P, b.vectors), 0, dense.Matrix(n, P, P, r.rotated))
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, dense.Matrix(n, P, P, r.rotated), dense.Matrix(n, dX, dX, r.targets), 0, dense.Matrix(P, dX, dX, r.projected))
	for i := range dX {
		s2, freedom, err := r.noiseVariance(&b, i)
		if err != nil {
			return fmt.Errorf("state %d: %w", i, err)
		}
		post.NoiseVariance[t*dX+i], post.Freedom[t*dX+i] = s2, freedom
		r.solve(&b, i, s2)
		r.store(post.Dynamics, prior.Nominal, t, i, &b)
	}
	post.steps[t] = b
	if err := r.noiseCovariance(post.Dynamics.CovAt(t), post.Freedom[t*dX:(t+1)*dX]); err != nil {
		return err
	}
	fitted := Conditional{Gain: post.Dynamics.FAt(t), Bias: post.Dynamics.BiasAt(t), Cov: post.Dynamics.CovAt(t)}
	if err := fitted.finite(); err != nil {
		return err
	}
	return r.finite(&b, post.NoiseVariance[t*dX:(t+1)*dX])
}

// standardize scales the inputs about their means: sums over large offsets and different
// units would cost the digits that the weights are made of.
func (r *regression) standardize(b *basis, points []float64, nominal *lqg.Dynamics, t int) {
	p := r.d + r.dX
	for i := range r.n {
		for j, v := range points[i*p : i*p+r.d] {
			b.center[j] += v / float64(r.n)
		}
	}
	for i := range r.n {
		for j, v := range points[i*p : i*p+r.d] {
			b.scale[j] = math.Hypot(b.scale[j], (v-b.center[j])/math.Sqrt(float64(r.n)))
		}
	}
	for j, s := range b.scale {
		if !(s > rounding(r.n)*math.Abs(b.center[j])) {
			b.scale[j] = math.Max(1, math.Abs(b.center[j])) // constant: its weight is the prior's
		}
	}
	for i := range r.n {
		w, next := points[i*p:i*p+r.d], points[i*p+r.d:(i+1)*p]
		b.input(r.inputs[i*r.P:(i+1)*r.P], w)
		for k, v := range next {
			v -= nominal.BiasAt(t)[k]
			for j, f := range nominal.FAt(t)[k*r.d : (k+1)*r.d] {
				v -= f * w[j]
			}
			r.targets[i*r.dX+k] = v
		}
	}
}

// diagonalize finds the basis of the inputs and of Lambda.
func (r *regression) diagonalize(b *basis, precision []float64) error {
	P := r.P
	z, gram, lambda := dense.Matrix(r.n, P, P, r.inputs), dense.Matrix(P, P, P, r.gram), dense.Matrix(P, P, P, r.lambda)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, z, z, 0, gram)
	// [x; u; 1] = A z, so that the weights of z are A' times those of [x; u; 1] and have
	// the precision A^-1 Lambda A^-T.
	copy(r.lambda, precision)
	for j := range r.d {
		for k := range P {
			r.lambda[j*P+k] = (r.lambda[j*P+k] - b.center[j]*r.lambda[r.d*P+k]) / b.scale[j]
		}
	}
	for j := range r.d {
		for k := range P {
			r.lambda[k*P+j] = (r.lambda[k*P+j] - b.center[j]*r.lambda[k*P+r.d]) / b.scale[j]
		}
	}
	b.delta = balance(r.lambda, P, float64(r.n))
	for i, v := range r.lambda {
		r.gram[i] += b.delta * v
	}
	if dense.FirstNotFinite(r.gram) >= 0 {
		return r.overflow(b)
	}
	copy(r.factor, r.gram)
	if !dense.Cholesky(r.factor, P) {
		return fmt.Errorf("%w: joined with the prior it %s", ErrSingular, dense.Spectrum(r.gram, P, P))
	}
	for i := range P {
		if pivot := r.factor[i*P+i]; !(pivot*pivot > rounding(P)*r.gram[i*P+i]) {
			return fmt.Errorf("%w: input %d is a linear function of the others and has no prior; joined with the prior the matrix %s", ErrSingular, i, dense.Spectrum(r.gram, P, P))
		}
	}
	// With Z'Z + delta Lambda = C C', C^-1 Lambda C^-T = Q diag(m) Q' and V = C^-T Q.
	factor := dense.Factor(r.factor, P)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, factor, lambda)
	blas64.Trsm(blas.Right, blas.Trans, 1, factor, lambda)
	dense.Symmetrize(r.lambda, P, P)
	if !r.eigen.Decompose(r.lambda) {
		return r.overflow(b)
	}
	copy(b.vectors, r.eigen.Vectors)
	blas64.Trsm(blas.Left, blas.Trans, 1, factor, dense.Matrix(P, P, P, b.vectors))
	for j, m := range r.eigen.Values {
		b.m[j] = math.Max(m, 0) // rounding may leave m outside [0, 1/delta]
		if b.delta > 0 {
			b.m[j] = math.Min(b.m[j], 1/b.delta)
		}
	}
	return nil
}

// overflow says which input's scale the precision of the prior, in units of that scale,
// goes beyond a float64 for.
func (r *regression) overflow(b *basis) error {
	smallest, largest := 0, 0
	for j, s := range b.scale {
		if s < b.scale[smallest] {
			smallest = j
		}
		if !(s <= b.scale[largest]) {
			largest = j
		}
	}
	return fmt.Errorf("%w: inputs and the prior's precision, scaled by the inputs' standard deviations (%.3g of input %d to %.3g of input %d), underflow or overflow: use other units of states and actions",
		ErrNotFinite, b.scale[smallest], smallest, b.scale[largest], largest)
}

// balance returns the factor that gives Lambda about the weight of n observations of
// standardised inputs, 0 for a zero Lambda.
func balance(lambda []float64, P int, n float64) float64 {
	sum, count := 0.0, 0.0
	for i := range P {
		if v := lambda[i*P+i]; v > 0 {
			sum += math.Log(v)
			count++
		}
	}
	if count == 0 {
		return 0
	}
	return n * math.Exp(-sum/count)
}

// solve sets the weights of state i in the basis, and the residuals that they leave.
func (r *regression) solve(b *basis, i int, s2 float64) (residualSquares float64) {
	for j := range r.weights {
		r.weights[j] = r.projected[j*r.dX+i] / b.precision(j, s2)
	}
	for k := range r.n {
		v := r.targets[k*r.dX+i]
		for j, w := range r.rotated[k*r.P : (k+1)*r.P] {
			v -= w * r.weights[j]
		}
		r.residuals[k*r.dX+i] = v
		residualSquares += v * v
	}
	return residualSquares
}

// noiseVariance returns s^2 of state i and its degrees of freedom: the solution of
//
//	s^2 = (nu_0 s_0^2 + RSS(s^2)) / (nu_0 + N - gamma(s^2))
//
// by bisection in log s^2, from the noise floor upwards.
func (r *regression) noiseVariance(b *basis, i int) (s2, freedom float64, err error) {
	count, scatter := r.cfg.NoiseCount, 0.0
	if count > 0 {
		if math.IsInf(count, 1) {
			return math.Max(r.cfg.NoiseVariance[i], r.cfg.NoiseFloor), count, nil
		}
		scatter = count * r.cfg.NoiseVariance[i]
	}
	left := func(s2 float64) float64 { // degrees of freedom
		f := count + float64(r.n)
		for j := range r.weights {
			f -= b.data(j) / b.precision(j, s2)
		}
		return f
	}
	low := r.cfg.NoiseFloor
	first := low
	least := r.solve(b, i, first)
	excess := func(s2 float64) float64 {
		// The columns of Z V are orthogonal: what a larger s^2 takes off the weights
		// adds to the residuals' squares one by one.
		squares := least
		for j, w := range r.weights {
			loss := w * (1 - b.precision(j, first)/b.precision(j, s2))
			squares += loss * (b.data(j)*loss + 2*first*b.m[j]*w)
		}
		return scatter + squares - s2*left(s2)
	}
	if v := excess(low); math.IsNaN(v) || math.IsInf(v, 0) {
		most := 0.0
		for k := i; k < len(r.targets); k += r.dX {
			most = max(most, math.Abs(r.targets[k]))
		}
		return 0, 0, fmt.Errorf("%w: squared residuals: the next state, less what the prior's mean predicts, is up to %.3g, and the inputs' standard deviations are %.3g to %.3g; use units that make them less large, or less different", ErrNotFinite, most, slices.Min(b.scale), slices.Max(b.scale))
	} else if v > 0 {
		high := low
		for range 400 { // up to 1e-8 * 2^800
			if high *= 4; excess(high) <= 0 {
				break
			}
			low = high
		}
		// Some 50 roundings apart: the sums in excess are not better than that.
		for high > low*(1+1e-14) {
			middle := math.Sqrt(low) * math.Sqrt(high)
			if middle <= low || middle >= high {
				break
			}
			if excess(middle) > 0 {
				low = middle
			} else {
				high = middle
			}
		}
	}
	// A freedom of just 1 (one observation more than weights) may round below it, by 1e-16 of
	// the observations: 1e-9 covers a million of them, and says nothing of the estimate.
	if freedom = left(low); !(freedom >= 1-1e-9) {
		return 0, 0, fmt.Errorf("%w: the weights take up %.3g of the %v observations and leave %.3g to estimate the noise from, need 1: record more rollouts, raise the prior's precision, or give the noise's variance and its count", ErrTooFewSamples, count+float64(r.n)-freedom, count+float64(r.n), freedom)
	}
	return low, freedom, nil
}

// finite returns ErrNotFinite where a weight's variance is not.
func (r *regression) finite(b *basis, noise []float64) error {
	for j := range r.P {
		b.column(r.weights, j)
		for k, v := range r.weights {
			for _, s2 := range noise {
				if variance := v * v * s2 / b.precision(j, s2); !(variance < math.MaxFloat64/float64(r.P)) {
					return fmt.Errorf("%w: variance of weight %d is %v: raise the prior's precision", ErrNotFinite, k, variance)
				}
			}
		}
	}
	return nil
}

// store writes the weights of state i for [x; u; 1], the nominal ones added.
func (r *regression) store(dyn, nominal *lqg.Dynamics, t, i int, b *basis) {
	row, bias := dyn.FAt(t)[i*r.d:(i+1)*r.d], nominal.BiasAt(t)[i]
	for j := range r.P {
		w := 0.0
		for k, v := range b.vectors[j*r.P : (j+1)*r.P] {
			w += v * r.weights[k]
		}
		if j == r.d {
			bias += w
			continue
		}
		w /= b.scale[j]
		row[j] = nominal.FAt(t)[i*r.d+j] + w
		bias -= b.center[j] * w
	}
	dyn.BiasAt(t)[i] = bias
}

// noiseCovariance writes the residuals' covariance, each state's with its own degrees of
// freedom, joined with what is believed of the noise.
func (r *regression) noiseCovariance(dst, freedom []float64) error {
	known := math.IsInf(r.cfg.NoiseCount, 1)
	for i := range r.dX {
		for j := range i + 1 {
			sum := 0.0
			for k := range r.n {
				sum += r.residuals[k*r.dX+i] * r.residuals[k*r.dX+j]
			}
			switch {
			case known && i == j:
				sum = r.cfg.NoiseVariance[i]
			case known:
				sum = 0
			case i == j && r.cfg.NoiseCount > 0:
				sum += r.cfg.NoiseCount * r.cfg.NoiseVariance[i]
				fallthrough
			default:
				sum /= math.Sqrt(freedom[i] * freedom[j])
			}
			dst[i*r.dX+j] = sum
		}
	}
	dense.MirrorLower(dst, r.dX)
	if !r.noise.raise(dst, r.cfg.NoiseFloor) {
		return fmt.Errorf("%w: covariance of the residuals", ErrNotFinite)
	}
	return nil
}
