package main

import (
	"fmt"
	"runtime"
)

// size is that of a linear-quadratic problem.
type size struct{ T, dX, dU int }

func (s size) text() string { return fmt.Sprintf("%d/%d T=%d", s.dX, s.dU, s.T) }
func (s size) key() string  { return fmt.Sprintf("dX=%d/dU=%d/T=%d", s.dX, s.dU, s.T) }

// sizes are the rows of the table; those of T=500 are left out of a quick run.
var sizes = []size{{100, 4, 1}, {100, 7, 2}, {100, 14, 7}, {100, 26, 7}, {100, 50, 10},
	{500, 4, 1}, {500, 7, 2}, {500, 14, 7}, {500, 26, 7}, {500, 50, 10}}

// EM's size, and the iterations of one run.
const (
	emPoints, emComponents = 2000, 20
	emIterations           = 5
)

// works returns the rows of the table in order.
func works() []*work {
	var all []*work
	for _, s := range sizes {
		all = append(all, backwardWork(s))
	}
	for _, s := range sizes {
		all = append(all, forwardWork(s))
	}
	for _, s := range sizes {
		all = append(all, updateWork(s))
	}
	all = append(all, taskUpdateWork("arm", "arm 7/2 T=100"), taskUpdateWork("large", "large 26/7 T=100"))
	for _, workers := range workerCounts() {
		for _, s := range sizes {
			all = append(all, fitWork(s, 20, workers))
		}
	}
	for _, workers := range workerCounts() {
		all = append(all, emWork(emPoints, emComponents, workers))
	}
	for _, batch := range []int{25, 64, 256} {
		all = append(all, trainingWork(batch))
	}
	all = append(all, inferenceWork())
	return append(all, expansionWork("arm", "arm 7/2 T=100 N=5"), expansionWork("large", "large 26/7 T=100 N=20"),
		iterationWork("arm", 1), iterationWork("arm", 4), iterationWork("large", 1), iterationWork("large", 4))
}

// workerCounts are one, and all processors that Go uses where there are more.
func workerCounts() []int {
	if all := runtime.GOMAXPROCS(0); all > 1 {
		return []int{1, all}
	}
	return []int{1}
}

// scalings are the works that show how cost grows: those of one list differ in one number.
func scalings() []scaling {
	base := size{100, 26, 7}
	var over []scaling
	add := func(title, variable string, at []int, make func(v int) *work) {
		s := scaling{Title: title, Variable: variable, At: at}
		for _, v := range at {
			s.Works = append(s.Works, make(v))
		}
		over = append(over, s)
	}
	steps, states := []int{25, 50, 100, 200, 400}, []int{8, 16, 32, 64, 96}
	add("LQR backward", "T", steps, func(v int) *work { return backwardWork(size{v, base.dX, base.dU}) })
	add("LQR backward", "dX", states, func(v int) *work { return backwardWork(size{base.T, v, base.dU}) })
	add("LQR backward", "dU", []int{2, 4, 8, 16, 32}, func(v int) *work { return backwardWork(size{base.T, base.dX, v}) })
	add("forward pass with KL", "T", steps, func(v int) *work { return forwardWork(size{v, base.dX, base.dU}) })
	add("forward pass with KL", "dX", states, func(v int) *work { return forwardWork(size{base.T, v, base.dU}) })
	add("dynamics fit", "T", steps, func(v int) *work { return fitWork(size{v, base.dX, base.dU}, 20, 1) })
	add("dynamics fit", "dX", states, func(v int) *work { return fitWork(size{base.T, v, base.dU}, 20, 1) })
	add("dynamics fit", "N", []int{5, 10, 20, 40, 80}, func(v int) *work { return fitWork(base, v, 1) })
	add("EM iteration", "N", []int{500, 1000, 2000, 4000}, func(v int) *work { return emWork(v, emComponents, 1) })
	add("EM iteration", "K", []int{5, 10, 20, 40}, func(v int) *work { return emWork(emPoints, v, 1) })
	add("iteration, large", "conditions", []int{1, 2, 4}, func(v int) *work { return iterationWork("large", v) })
	return over
}
