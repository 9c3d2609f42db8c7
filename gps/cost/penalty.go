package cost

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/autodiff"
)

// Penalty is a smooth norm of a deviation d with weights w >= 0:
//
//	1/2 L2 sum w d^2 + L1 sqrt(Alpha + s) + 1/2 Log log(LogAlpha + s)
//	  + SmoothL1 sum w sqrt(SmoothAlpha + d^2) + LogCosh sum w log(cosh(d))
//
// with s = sum (w d)^2. L2 pulls from afar, L1 and Log keep pulling close to the target:
// they make reaching exact. SmoothL1 is L1 for each element by itself. LogCosh is
// quadratic below 1 (in d's unit) and linear above, so far targets pull no harder.
type Penalty struct {
	// L2, L1, Log, SmoothL1 and LogCosh weigh the parts, >= 0.
	L2, L1, Log, SmoothL1, LogCosh float64
	// Alpha > 0 rounds the L1 part at zero; unused if L1 is 0. Unit of (w d)^2.
	Alpha float64
	// LogAlpha > 0 rounds the Log part at zero; unused if Log is 0. Unit of (w d)^2.
	LogAlpha float64
	// SmoothAlpha > 0 rounds the SmoothL1 part at zero; unused if SmoothL1 is 0. Unit of d^2.
	SmoothAlpha float64
	// LogHessian is the second derivative of the Log part. Default ExactLogHessian.
	LogHessian LogHessian
}

// LogHessian chooses the coefficient of (w^2 d)(w^2 d)' in the Hessian of the Log part.
type LogHessian int

const (
	// ExactLogHessian is the second derivative: -2/(LogAlpha+s)^2. The Hessian is
	// indefinite where the deviation is large.
	ExactLogHessian LogHessian = iota
	// CompatibleLogHessian follows the public reference code, which lacks the factor
	// 2; for comparison with it only.
	CompatibleLogHessian
	// CompatibleWaypointLogHessian follows the reference's waypoint cost, which
	// divides by Alpha+s instead; for comparison with it only.
	CompatibleWaypointLogHessian
)

// DefaultPenalty returns the weights of the reference's end-effector cost:
// L2 10, L1 0.1, Alpha 1e-5, no other part.
func DefaultPenalty() Penalty {
	return Penalty{L2: 10, L1: 0.1, Alpha: 1e-5, LogAlpha: 1e-5, SmoothAlpha: 1e-5}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (p Penalty) Validate() error {
	err := first(notNegative("l2", p.L2), notNegative("l1", p.L1), notNegative("log", p.Log),
		notNegative("smooth_l1", p.SmoothL1), notNegative("log_cosh", p.LogCosh))
	if err == nil && p.L1 > 0 {
		err = positive("alpha", p.Alpha)
	}
	if err == nil && p.Log > 0 {
		err = positive("log_alpha", p.LogAlpha)
	}
	if err == nil && p.SmoothL1 > 0 {
		err = positive("smooth_alpha", p.SmoothAlpha)
	}
	if err == nil && (p.LogHessian < ExactLogHessian || p.LogHessian > CompatibleWaypointLogHessian) {
		err = fmt.Errorf("%w: log_hessian is %d, want ExactLogHessian or one of the compatible ones", ErrConfig, int(p.LogHessian))
	}
	return err
}

// Evaluate returns the penalty of a deviation d, n, with weights w times ramp, n, and
// writes its gradient, n, and its Hessian, n x n, by d.
func (p Penalty) Evaluate(gradient, hessian, d, w []float64, ramp float64) float64 {
	n := len(d)
	value, round, outer := p.norms(d, w, ramp)
	for i, di := range d {
		wi := w[i] * ramp
		gradient[i] = (p.L2*wi + round*wi*wi) * di
		row := hessian[i*n : (i+1)*n]
		for j, dj := range d {
			wj := w[j] * ramp
			row[j] = outer * (wi * wi * di) * (wj * wj * dj)
		}
		row[i] += p.L2*wi + round*wi*wi
	}
	return value + p.separable(gradient, hessian, n+1, d, w, ramp)
}

// norms returns the value of the L2, L1 and Log parts; their gradient has the elements
// (L2 w + round w^2) d, their Hessian is diag(L2 w + round w^2) + outer (w^2 d)(w^2 d)'.
func (p Penalty) norms(d, w []float64, ramp float64) (value, round, outer float64) {
	s := 0.0
	for i, di := range d {
		wi := w[i] * ramp
		value += 0.5 * p.L2 * wi * di * di
		s += wi * di * wi * di
	}
	if p.L1 > 0 {
		root := math.Sqrt(p.Alpha + s)
		value += p.L1 * root
		round += p.L1 / root
		outer -= p.L1 / (root * root * root)
	}
	if p.Log > 0 {
		arg := p.LogAlpha + s
		value += 0.5 * p.Log * math.Log(arg)
		round += p.Log / arg
		switch p.LogHessian {
		case CompatibleLogHessian:
			outer -= p.Log / (arg * arg)
		case CompatibleWaypointLogHessian:
			outer -= p.Log / (p.Alpha + s)
		default:
			outer -= 2 * p.Log / (arg * arg)
		}
	}
	return value, round, outer
}

// separable adds the derivatives of the parts that are sums over the elements, the second
// ones to every stride-th number of curvature, and returns their value.
func (p Penalty) separable(gradient, curvature []float64, stride int, d, w []float64, ramp float64) float64 {
	value := 0.0
	if p.SmoothL1 <= 0 && p.LogCosh <= 0 {
		return value
	}
	for i, di := range d {
		if l1 := p.SmoothL1 * w[i] * ramp; l1 > 0 {
			root := math.Sqrt(p.SmoothAlpha + di*di)
			value += l1 * root
			gradient[i] += l1 * di / root
			curvature[i*stride] += l1 * p.SmoothAlpha / (root * root * root)
		}
		if c := p.LogCosh * w[i] * ramp; c > 0 {
			v, slope, second := autodiff.LogCosh(di)
			value += c * v
			gradient[i] += c * slope
			curvature[i*stride] += c * second
		}
	}
	return value
}
