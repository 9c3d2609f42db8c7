package autodiff

import (
	"errors"
	"fmt"
	"math"
)

// ErrTooLarge marks a program whose derivatives take more than MaxSteps steps.
var ErrTooLarge = errors.New("autodiff: program is too large")

// MaxSteps bounds the operations, and the multiplications of the derivatives, of one
// program.
const MaxSteps = 1 << 18

// Ref names a value of a program that is being built.
type Ref int32

// Builder puts a Program together. Equal operations on equal values become one,
// operations on constants are carried out at once.
type Builder struct {
	inputs, parameters int
	operations         []operation
	known              map[key]Ref
}

// operation is one value of a program.
type operation struct {
	op    Op
	args  [3]Ref
	value float64 // of opConst
}

// key finds operations that are the same.
type key struct {
	op   Op
	args [3]Ref
	bits uint64
}

// NewBuilder returns a builder for a function of n inputs, by which it is
// differentiated, and of parameters, by which it is not.
func NewBuilder(inputs, parameters int) *Builder {
	if inputs < 0 || parameters < 0 {
		panic(fmt.Sprintf("autodiff: %d inputs and %d parameters, want numbers >= 0", inputs, parameters))
	}
	return &Builder{inputs: inputs, parameters: parameters, known: map[key]Ref{},
		operations: make([]operation, inputs+parameters)}
}

// Input returns input i.
func (b *Builder) Input(i int) Ref {
	if i < 0 || i >= b.inputs {
		panic(fmt.Sprintf("autodiff: input %d of %d", i, b.inputs))
	}
	return Ref(i)
}

// Parameter returns parameter i.
func (b *Builder) Parameter(i int) Ref {
	if i < 0 || i >= b.parameters {
		panic(fmt.Sprintf("autodiff: parameter %d of %d", i, b.parameters))
	}
	return Ref(b.inputs + i)
}

// Const returns a constant.
func (b *Builder) Const(v float64) Ref { return b.append(operation{op: opConst, value: v}) }

// Constant returns the value of r if it is a constant.
func (b *Builder) Constant(r Ref) (v float64, ok bool) {
	o := &b.operations[r]
	return o.value, o.op == opConst
}

// Apply returns the result of an operation; a wrong number of arguments panics.
func (b *Builder) Apply(op Op, args ...Ref) Ref {
	if op <= opConst || op >= opPowConst || len(args) != op.Arguments() {
		panic(fmt.Sprintf("autodiff: operation %d on %d arguments", op, len(args)))
	}
	o := operation{op: op}
	copy(o.args[:], args)
	if r, ok := b.simpler(o); ok {
		return r
	}
	if op == OpPow {
		if _, ok := b.Constant(args[1]); ok {
			o.op = opPowConst
		}
	}
	return b.append(o)
}

// simpler returns the value of an operation that need not be carried out at run time.
// Nothing is left out that could be a NaN or an infinity.
func (b *Builder) simpler(o operation) (Ref, bool) {
	var value [3]float64
	var known [3]bool
	all := true
	for i := range o.op.Arguments() {
		value[i], known[i] = b.Constant(o.args[i])
		all = all && known[i]
	}
	x, y := o.args[0], o.args[1]
	is := func(i int, v float64) bool { return known[i] && value[i] == v }
	switch {
	case o.op == OpSelect && known[0]:
		if value[0] != 0 {
			return o.args[1], true
		}
		return o.args[2], true
	case all && o.op == OpSelect:
		return 0, false // covered above
	case all && o.op.Arguments() == 1 && o.op == OpNot:
		return b.Const(truth(value[0] == 0)), true
	case all && o.op.Arguments() == 1:
		v, _, _ := unaryRule(o.op, value[0])
		return b.Const(v), true
	case all:
		v, _ := binaryRule(o.op, value[0], value[1])
		return b.Const(v), true
	case o.op == OpAdd && is(0, 0), o.op == OpMul && is(0, 1):
		return y, true
	case (o.op == OpAdd || o.op == OpSub) && is(1, 0),
		(o.op == OpMul || o.op == OpDiv || o.op == OpPow) && is(1, 1):
		return x, true
	case o.op == OpPow && is(1, 2), o.op == OpMul && x == y:
		return b.Apply(OpSquare, x), true
	case o.op == OpPow && is(1, 0.5):
		return b.Apply(OpSqrt, x), true
	case o.op == OpMax && x == y, o.op == OpMin && x == y:
		return x, true
	}
	return 0, false
}

// append returns the operation's value, which may be there already.
func (b *Builder) append(o operation) Ref {
	k := key{o.op, o.args, math.Float64bits(o.value)}
	if r, ok := b.known[k]; ok {
		return r
	}
	b.operations = append(b.operations, o)
	r := Ref(len(b.operations) - 1)
	b.known[k] = r
	return r
}
