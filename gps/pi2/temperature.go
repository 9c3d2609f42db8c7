package pi2

import (
	"fmt"
	"math"
)

// Dual returns g(eta) of (4) for the costs-to-go of N samples: eta kappa + eta log mean exp(-S/eta),
// in the cost's unit. eta is > 0. No cost, or an eta that is not > 0, panics.
func Dual(costs []float64, kappa, eta float64) float64 {
	checkTemperature(costs, eta)
	least, sum := minimum(costs), 0.0
	for _, s := range costs {
		sum += math.Exp((least - s) / eta)
	}
	return eta*kappa - least + eta*math.Log(sum/float64(len(costs)))
}

// Temperature returns the eta >= least that minimises Dual, to rounding. Costs are finite, of a
// finite range. Where none of the weights that kappa > 0 allows is worth more than those at least,
// it is least: kappa is log N or more, all costs are equal, or least is high. No cost, or a least
// that is not > 0, panics.
func Temperature(costs []float64, kappa, least float64) float64 {
	checkTemperature(costs, least)
	lowest, highest := minimum(costs), costs[0]
	for _, s := range costs {
		highest = max(highest, s)
	}
	if kl, _ := divergence(costs, lowest, least); !(kl > kappa) {
		return least
	}
	// The weights' divergence is below (range / eta)^2 / 8, as a variance is below range^2 / 4.
	low, high := math.Log(least), math.Log((highest-lowest)/math.Sqrt(8*kappa))
	if !(high > low) {
		return least
	}
	at := high
	for range 200 {
		eta := math.Exp(at)
		kl, slope := divergence(costs, lowest, eta)
		if kl > kappa {
			low = at
		} else {
			high = at
		}
		// Newton's step for log KL over log eta, which is nearly straight for large eta.
		next := at + kl*math.Log(kl/kappa)/slope
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-at) <= 1e-15*(1+math.Abs(at)) || high-low <= 1e-15*(1+math.Abs(high)) {
			return math.Max(least, math.Exp(next))
		}
		at = next
	}
	return math.Max(least, math.Exp(at))
}

// divergence returns KL(w || 1/N) of the weights at eta, and minus its derivative by log eta,
// which is the variance of S/eta under w.
func divergence(costs []float64, least, eta float64) (kl, slope float64) {
	sum, first, second := 0.0, 0.0, 0.0
	for _, s := range costs {
		z := (s - least) / eta
		w := math.Exp(-z)
		if w == 0 {
			continue // z may be infinite
		}
		sum += w
		first += w * z
		second += w * z * z
	}
	mean := first / sum
	return math.Max(0, math.Log(float64(len(costs))/sum)-mean), second/sum - mean*mean
}

// weigh writes the weights exp(base - S/eta), normalised, to dst (N) and returns their divergence
// from equal ones and the effective number of samples 1 / sum w^2. base may be nil.
func weigh(dst, costs, base []float64, eta float64) (kl, effective float64) {
	// S is taken from its least value first, which leaves no rounding of a large constant.
	least, most := minimum(costs), math.Inf(-1)
	for n, s := range costs {
		dst[n] = -(s - least) / eta
		if base != nil {
			dst[n] += base[n]
		}
		most = math.Max(most, dst[n])
	}
	sum, squares := 0.0, 0.0
	for n, v := range dst {
		dst[n] = math.Exp(v - most)
		sum += dst[n]
	}
	for n := range dst {
		dst[n] /= sum
		squares += dst[n] * dst[n]
		if dst[n] > 0 {
			kl += dst[n] * math.Log(dst[n]*float64(len(dst)))
		}
	}
	return math.Max(0, kl), 1 / squares
}

func minimum(list []float64) float64 {
	least := list[0]
	for _, v := range list {
		least = min(least, v)
	}
	return least
}

func checkTemperature(costs []float64, eta float64) {
	if len(costs) == 0 || !(eta > 0) {
		panic(fmt.Sprintf("pi2: temperature %v for %d costs, need one > 0 and at least one cost", eta, len(costs)))
	}
}
