package autodiff

import "fmt"

// Build returns the program that computes out. An error wraps ErrTooLarge.
func (b *Builder) Build(out Ref) (*Program, error) {
	d := &differentiation{program: &Program{inputs: b.inputs, parameters: b.parameters}, operations: b.operations}
	d.order(out)
	if len(d.used) > MaxSteps {
		return nil, fmt.Errorf("%w: %d operations, want at most %d", ErrTooLarge, len(d.used), MaxSteps)
	}
	d.place(out)
	if err := d.differentiate(); err != nil {
		return nil, err
	}
	return d.program, nil
}

// scaled is a derivative: factor times a slot; factor 0 for none.
type scaled struct {
	factor float64
	slot   int32
}

// differentiation builds the sweep of a program.
type differentiation struct {
	program    *Program
	operations []operation
	used       []Ref           // operations that out needs, in order
	active     []bool          // depends on an input
	slot       []int32         // of the value
	partials   []int32         // of the derivatives, 0 for none
	adjoint    []int32         // slot, 0 for none yet
	rows       []map[Ref]int32 // slot of W[row][column], column <= row
	columns    [][]Ref         // the columns of each row, in the order they came
	size       int32           // slots so far
}

// order finds the operations that out needs and those that depend on inputs.
func (d *differentiation) order(out Ref) {
	n := len(d.operations)
	leaves := Ref(d.program.inputs + d.program.parameters)
	needed := make([]bool, n)
	needed[out] = true
	for r := out; r >= leaves; r-- {
		if needed[r] {
			o := &d.operations[r]
			for _, a := range o.args[:o.op.Arguments()] {
				needed[a] = true
			}
		}
	}
	d.active = make([]bool, n)
	for r := range d.active {
		o := &d.operations[r]
		switch {
		case Ref(r) < leaves:
			d.active[r] = r < d.program.inputs
		case !needed[r]:
		default:
			d.used = append(d.used, Ref(r))
			if !o.op.flat() {
				for _, a := range differentiable(o) {
					d.active[r] = d.active[r] || d.active[a]
				}
			}
		}
	}
}

// differentiable returns the arguments that an operation has derivatives by, at most 2.
func differentiable(o *operation) []Ref {
	switch {
	case o.op == OpSelect:
		return o.args[1:3]
	case o.op == opPowConst:
		return o.args[:1]
	}
	return o.args[:o.op.Arguments()]
}

// place gives every value a slot and writes the instructions.
func (d *differentiation) place(out Ref) {
	p := d.program
	d.slot, d.partials = make([]int32, len(d.operations)), make([]int32, len(d.operations))
	d.size = 1
	for r := range p.inputs + p.parameters {
		d.slot[r] = d.next(1)
	}
	constants := map[int32]float64{}
	for _, r := range d.used {
		d.slot[r] = d.next(1)
		if o := &d.operations[r]; o.op == opConst {
			constants[d.slot[r]] = o.value
		}
	}
	for _, r := range d.used {
		o := &d.operations[r]
		if o.op == opConst {
			continue
		}
		c := instruction{op: o.op, out: d.slot[r]}
		for i := range o.op.Arguments() {
			c.args[i] = d.slot[o.args[i]]
		}
		if d.active[r] {
			switch o.op {
			case OpAdd, OpSub, OpMul, OpSquare, OpNeg:
			case OpSelect:
				c.partials = d.next(2)
			default:
				if o.op.Arguments() == 1 {
					c.partials = d.next(2)
				} else {
					c.partials = d.next(5)
				}
			}
		}
		d.partials[r] = c.partials
		p.code = append(p.code, c)
	}
	p.derived, p.result = int(d.size), d.slot[out]
	p.slots = make([]float64, d.size)
	p.slots[0] = 1
	for slot, v := range constants {
		p.slots[slot] = v
	}
	d.adjoint = make([]int32, len(d.operations))
	d.rows = make([]map[Ref]int32, len(d.operations))
	d.columns = make([][]Ref, len(d.operations))
	if d.active[out] {
		// The adjoint of the result is 1, which slot 0 is: a step with it as source.
		d.adjoint[out] = d.next(1)
		d.step(d.adjoint[out], 0, scaled{1, 0}, scaled{1, 0}, 1)
	}
}

func (d *differentiation) next(n int32) int32 {
	at := d.size
	d.size += n
	return at
}

// local returns the derivatives of operation r, first by its one or two differentiable
// arguments, then of second order.
func (d *differentiation) local(r Ref) (first [2]scaled, second [2][2]scaled) {
	o, at := &d.operations[r], d.partials[r]
	slot := func(k int32) scaled { return scaled{1, at + k} }
	switch o.op {
	case OpAdd:
		first = [2]scaled{{1, 0}, {1, 0}}
	case OpSub:
		first = [2]scaled{{1, 0}, {-1, 0}}
	case OpNeg:
		first[0] = scaled{-1, 0}
	case OpMul:
		first = [2]scaled{{1, d.slot[o.args[1]]}, {1, d.slot[o.args[0]]}}
		second[0][1] = scaled{1, 0}
	case OpSquare:
		first[0], second[0][0] = scaled{2, d.slot[o.args[0]]}, scaled{2, 0}
	case OpSelect:
		first = [2]scaled{slot(0), slot(1)}
	case OpMax, OpMin:
		first = [2]scaled{slot(0), slot(1)}
	case OpAbs:
		first[0] = slot(0)
	case opPowConst:
		first[0], second[0][0] = slot(0), slot(2)
	default:
		if o.op.Arguments() == 1 {
			first[0], second[0][0] = slot(0), slot(1)
			break
		}
		first = [2]scaled{slot(0), slot(1)}
		second[0][1], second[1][1] = slot(3), slot(4)
		if o.op != OpDiv {
			second[0][0] = slot(2)
		}
	}
	return first, second
}

// differentiate runs the reverse sweep over the structure of the program and writes
// down its steps.
func (d *differentiation) differentiate() error {
	p := d.program
	for i := len(d.used) - 1; i >= 0; i-- {
		r := d.used[i]
		if d.active[r] && (d.adjoint[r] != 0 || d.rows[r] != nil) {
			d.eliminate(r)
		}
		if len(p.sweep) > MaxSteps {
			return fmt.Errorf("%w: its second derivatives take more than %d steps, want fewer values that interact", ErrTooLarge, MaxSteps)
		}
	}
	for r := range Ref(p.inputs) {
		if s := d.adjoint[r]; s != 0 {
			p.gradient = append(p.gradient, entry{row: int(r), slot: s})
		}
		for _, c := range d.columns[r] {
			p.hessian = append(p.hessian, entry{row: int(r), column: int(c), slot: d.rows[r][c]})
		}
	}
	p.slots = append(p.slots, make([]float64, int(d.size)-len(p.slots))...)
	return nil
}

// eliminate hands the adjoint and the terms of operation r on to its arguments.
func (d *differentiation) eliminate(r Ref) {
	var args [2]Ref
	n := copy(args[:], differentiable(&d.operations[r]))
	first, second := d.local(r)
	for i := range n {
		if !d.active[args[i]] {
			first[i] = scaled{}
		}
	}
	one := scaled{1, 0}
	own := int32(0)
	for _, c := range d.columns[r] {
		w := d.rows[r][c]
		if c == r {
			own = w
			continue
		}
		for i, a := range args[:n] {
			if first[i].factor != 0 {
				factor := 1.0
				if a == c {
					factor = 2
				}
				d.step(d.term(a, c), w, first[i], one, factor)
			}
		}
	}
	for i, a := range args[:n] {
		for j := i; j < n; j++ {
			if first[i].factor == 0 || first[j].factor == 0 {
				continue
			}
			factor := 1.0
			if i != j && a == args[j] {
				factor = 2
			}
			if own != 0 {
				d.step(d.term(a, args[j]), own, first[i], first[j], factor)
			}
			if d.adjoint[r] != 0 && second[i][j].factor != 0 {
				d.step(d.term(a, args[j]), d.adjoint[r], second[i][j], one, factor)
			}
		}
	}
	if d.adjoint[r] == 0 {
		return
	}
	for i, a := range args[:n] {
		if first[i].factor != 0 {
			if d.adjoint[a] == 0 {
				d.adjoint[a] = d.next(1)
			}
			d.step(d.adjoint[a], d.adjoint[r], first[i], one, 1)
		}
	}
}

// term returns the slot of W[j][k].
func (d *differentiation) term(j, k Ref) int32 {
	if j < k {
		j, k = k, j
	}
	if d.rows[j] == nil {
		d.rows[j] = map[Ref]int32{}
	}
	s, ok := d.rows[j][k]
	if !ok {
		s = d.next(1)
		d.rows[j][k] = s
		d.columns[j] = append(d.columns[j], k)
	}
	return s
}

// step appends slots[to] += factor slots[from] a b.
func (d *differentiation) step(to, from int32, a, b scaled, factor float64) {
	d.program.sweep = append(d.program.sweep, step{factor: factor * a.factor * b.factor, to: to, from: from, d1: a.slot, d2: b.slot})
}
