package rollout

import "fmt"

// Transitions returns all transitions [x_t; u_t; x_{t+1}] of the rollouts, rollout by
// rollout: sum of T rows of 2 DX + DU numbers. None give nil.
// Rollouts of different DX or DU, or that CheckShape refuses, panic.
func Transitions(rollouts []*Rollout) []float64 {
	if len(rollouts) == 0 {
		return nil
	}
	steps := 0
	for n, r := range rollouts {
		if err := r.CheckShape(); err != nil {
			panic(fmt.Sprintf("rollout %d: %v", n, err))
		}
		if first := rollouts[0]; r.DX != first.DX || r.DU != first.DU {
			panic(fmt.Sprintf("rollout: rollout 0 has dX=%d dU=%d, rollout %d has dX=%d dU=%d", first.DX, first.DU, n, r.DX, r.DU))
		}
		steps += r.T
	}
	rows := make([]float64, 0, steps*(2*rollouts[0].DX+rollouts[0].DU))
	for _, r := range rollouts {
		for t := range r.T {
			rows = append(rows, r.State(t)...)
			rows = append(rows, r.Action(t)...)
			rows = append(rows, r.State(t+1)...)
		}
	}
	return rows
}
