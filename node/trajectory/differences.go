package trajectory

import (
	"math"

	"guidedpolicysearch/gps/ilqg"
	"guidedpolicysearch/hardware/sim"
)

// differences linearises a simulator's step by central differences, with the derivatives
// at its limits that sim.Jacobian has: those of the inside at a bound of an effort, which
// is no kink for a solver that keeps it, and none where an effort or a speed is clipped.
type differences struct {
	central             *ilqg.CentralDifferences // of the step without the limit of efforts
	dynamics            *simulation
	maxEffort, maxSpeed []float64
	nQ, nU              int
	next, effort        []float64 // workspace
}

func newDifferences(plant sim.Plant, integration sim.Config, h float64) (*differences, error) {
	nQ, nU := plant.Dims()
	d := &differences{maxEffort: integration.MaxEffort, maxSpeed: integration.MaxSpeed, nQ: nQ, nU: nU, next: make([]float64, 2*nQ), effort: make([]float64, nU)}
	integration.MaxEffort = nil
	unlimited, err := sim.New(plant, integration)
	if err != nil {
		return nil, err
	}
	d.dynamics = &simulation{simulator: unlimited}
	d.central, err = ilqg.NewCentralDifferences(d.dynamics, 2*nQ, nU, h)
	return d, err
}

// Linearize writes the derivatives of the next state by [x; u], row-major.
func (d *differences) Linearize(dst, x, u []float64, t int) {
	copy(d.effort, u)
	for i, most := range d.maxEffort {
		d.effort[i] = max(-most, min(most, u[i]))
	}
	d.central.Linearize(dst, x, d.effort, t)
	nX := 2 * d.nQ
	width := nX + d.nU
	if len(d.maxSpeed) > 0 {
		d.dynamics.Step(d.next, x, d.effort, t)
	}
	for i, most := range d.maxSpeed {
		if math.Abs(d.next[d.nQ+i]) >= most {
			clear(dst[(d.nQ+i)*width : (d.nQ+i+1)*width])
		}
	}
	for k, most := range d.maxEffort {
		if math.Abs(u[k]) > most {
			for i := range nX {
				dst[i*width+nX+k] = 0
			}
		}
	}
}
