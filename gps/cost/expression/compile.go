package expression

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"guidedpolicysearch/gps/autodiff"
)

// ErrInvalid marks a text or scope that cannot be compiled.
var ErrInvalid = errors.New("expression: invalid")

// MaxLength bounds the bytes of a text, and so the depth of its nesting.
const MaxLength = 1 << 14

// Compile returns the program of a text: inputs are y = [x; u], parameters TimeStep and
// Steps. An error wraps ErrInvalid; for a text it has line and column, what is wrong and
// what is expected.
func Compile(text string, scope Scope) (*autodiff.Program, error) {
	known, err := scope.index()
	if err != nil {
		return nil, err
	}
	if len(text) > MaxLength {
		return nil, fmt.Errorf("%w: text has %d bytes, want at most %d", ErrInvalid, len(text), MaxLength)
	}
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%w: text is empty, want an expression such as (1-cos(q0))^2 + 0.1*dq0^2", ErrInvalid)
	}
	c := &compilation{text: text, scope: scope, known: known, defined: map[string]autodiff.Ref{},
		builder: autodiff.NewBuilder(len(scope.States)+len(scope.Actions), parameters)}
	tree, err := parser.Parse(text)
	if err != nil {
		var e *file.Error
		if errors.As(err, &e) {
			if strings.Contains(e.Message, "maximum allowed nodes") {
				return nil, c.errorAt(e.From, "the text has too many numbers, names and operators, want at most %d of them in all", conf.DefaultMaxNodes)
			}
			return nil, c.errorAt(e.From, "%s", e.Message)
		}
		return nil, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	out, err := c.node(tree.Node)
	if err != nil {
		return nil, err
	}
	program, err := c.builder.Build(out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return program, nil
}

// compilation turns the syntax tree of one text into operations.
type compilation struct {
	text    string
	scope   Scope
	known   map[string]int // element of y by its name
	defined map[string]autodiff.Ref
	builder *autodiff.Builder
}

// errorAt returns an error with the place in the text, counted in runes from 0.
func (c *compilation) errorAt(at int, format string, args ...any) error {
	runes := []rune(c.text)
	at = max(0, min(at, len(runes)))
	line, column := 1, 1
	for _, r := range runes[:at] {
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	const around = 24
	from, to := max(0, at-around), min(len(runes), at+around)
	excerpt := string(runes[from:to])
	if from > 0 {
		excerpt = "..." + excerpt
	}
	if to < len(runes) {
		excerpt += "..."
	}
	return fmt.Errorf("%w: line %d, column %d of %q: %s", ErrInvalid, line, column, excerpt, fmt.Sprintf(format, args...))
}

// node returns the value of a part of the text.
func (c *compilation) node(n ast.Node) (autodiff.Ref, error) {
	r, err := c.operation(n)
	if err != nil {
		return 0, err
	}
	if v, ok := c.builder.Constant(r); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
		return 0, c.errorAt(n.Location().From, "the constant here is %v, want a finite number", v)
	}
	return r, nil
}

func (c *compilation) operation(n ast.Node) (autodiff.Ref, error) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return c.builder.Const(float64(n.Value)), nil
	case *ast.FloatNode:
		return c.builder.Const(n.Value), nil
	case *ast.BoolNode:
		if n.Value {
			return c.builder.Const(1), nil
		}
		return c.builder.Const(0), nil
	case *ast.IdentifierNode:
		return c.name(n)
	case *ast.MemberNode:
		return c.element(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.apply(autodiff.OpSelect, n.Cond, n.Exp1, n.Exp2)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, callee.Value, n.Arguments)
		}
	case *ast.VariableDeclaratorNode:
		return c.definition(n)
	case *ast.SequenceNode:
		return 0, c.errorAt(n.Location().From, "%d expressions with ; between them, want one: the cost; join them by +, or name parts by let, as in let s = sin(q0); s^2", len(n.Nodes))
	}
	if n == nil {
		return 0, c.errorAt(0, "nothing to compute, want an expression")
	}
	return 0, c.errorAt(n.Location().From, "this has no meaning in a cost; want numbers, names, operators and functions")
}

// apply returns an operation on parts of the text.
func (c *compilation) apply(op autodiff.Op, nodes ...ast.Node) (autodiff.Ref, error) {
	refs := make([]autodiff.Ref, len(nodes))
	for i, n := range nodes {
		r, err := c.node(n)
		if err != nil {
			return 0, err
		}
		refs[i] = r
	}
	return c.builder.Apply(op, refs...), nil
}

func (c *compilation) name(n *ast.IdentifierNode) (autodiff.Ref, error) {
	if r, ok := c.defined[n.Value]; ok {
		return r, nil
	}
	if i, ok := c.known[n.Value]; ok {
		return c.builder.Input(i), nil
	}
	switch n.Value {
	case "t":
		return c.builder.Parameter(TimeStep), nil
	case "T":
		return c.builder.Parameter(Steps), nil
	case "pi":
		return c.builder.Const(math.Pi), nil
	}
	at := n.Location().From
	if _, ok := functions[n.Value]; ok || n.Value == smoothAbs {
		return 0, c.errorAt(at, "%s is a function, want its arguments in brackets", n.Value)
	}
	if n.Value == "x" || n.Value == "u" {
		return 0, c.errorAt(at, "%s stands for all elements, want one of them, such as %s[0]", n.Value, n.Value)
	}
	all := slices.Collect(maps.Keys(c.known))
	all = append(slices.AppendSeq(all, maps.Keys(c.defined)), "t", "T", "pi")
	if instead, ok := constants[strings.ToLower(n.Value)]; ok {
		return 0, c.errorAt(at, "unknown name %q, %s", n.Value, instead)
	}
	if near := nearest(n.Value, all); near != "" {
		return 0, c.errorAt(at, "unknown name %q, want a name such as %q, which is the nearest, or x[i] or u[i]", n.Value, near)
	}
	slices.Sort(all)
	return 0, c.errorAt(at, "unknown name %q, want %s, x[i] or u[i]", n.Value, enumerate(all))
}

// element returns x[i] or u[i].
func (c *compilation) element(n *ast.MemberNode) (autodiff.Ref, error) {
	of, isName := n.Node.(*ast.IdentifierNode)
	index, isNumber := n.Property.(*ast.IntegerNode)
	if !isName || !isNumber || (of.Value != "x" && of.Value != "u") {
		return 0, c.errorAt(n.Location().From, "want x[i] or u[i] with a whole number i")
	}
	start, size := 0, len(c.scope.States)
	if of.Value == "u" {
		start, size = size, len(c.scope.Actions)
	}
	if index.Value >= size {
		return 0, c.errorAt(of.Location().From, "%s[%d] is out of range, want an index from 0 to %d", of.Value, index.Value, size-1)
	}
	return c.builder.Input(start + index.Value), nil
}

func (c *compilation) unary(n *ast.UnaryNode) (autodiff.Ref, error) {
	switch n.Operator {
	case "+":
		return c.node(n.Node)
	case "-":
		return c.apply(autodiff.OpNeg, n.Node)
	case "!", "not":
		return c.apply(autodiff.OpNot, n.Node)
	}
	return 0, c.errorAt(n.Location().From, "operator %q has no meaning in a cost, want -, + or !", n.Operator)
}

func (c *compilation) binary(n *ast.BinaryNode) (autodiff.Ref, error) {
	switch n.Operator {
	case "+":
		return c.apply(autodiff.OpAdd, n.Left, n.Right)
	case "-":
		return c.apply(autodiff.OpSub, n.Left, n.Right)
	case "*":
		return c.apply(autodiff.OpMul, n.Left, n.Right)
	case "/":
		return c.apply(autodiff.OpDiv, n.Left, n.Right)
	case "^", "**":
		return c.apply(autodiff.OpPow, n.Left, n.Right)
	case "<":
		return c.apply(autodiff.OpLess, n.Left, n.Right)
	case "<=":
		return c.apply(autodiff.OpLessEqual, n.Left, n.Right)
	case ">":
		return c.apply(autodiff.OpLess, n.Right, n.Left)
	case ">=":
		return c.apply(autodiff.OpLessEqual, n.Right, n.Left)
	case "==":
		return c.apply(autodiff.OpEqual, n.Left, n.Right)
	case "!=":
		r, err := c.apply(autodiff.OpEqual, n.Left, n.Right)
		if err != nil {
			return 0, err
		}
		return c.builder.Apply(autodiff.OpNot, r), nil
	case "&&", "and":
		return c.apply(autodiff.OpAnd, n.Left, n.Right)
	case "||", "or":
		return c.apply(autodiff.OpOr, n.Left, n.Right)
	}
	return 0, c.errorAt(n.Location().From, "operator %q has no meaning in a cost, want one of + - * / ^ < <= > >= == != && ||", n.Operator)
}

// call returns the value of a function.
func (c *compilation) call(n ast.Node, name string, arguments []ast.Node) (autodiff.Ref, error) {
	at := n.Location().From
	if name == smoothAbs {
		if len(arguments) != 2 {
			return 0, c.errorAt(at, "%s has %d arguments, want 2: x and alpha", name, len(arguments))
		}
		square, err := c.apply(autodiff.OpSquare, arguments[0])
		if err != nil {
			return 0, err
		}
		alpha, err := c.node(arguments[1])
		if err != nil {
			return 0, err
		}
		return c.builder.Apply(autodiff.OpSqrt, c.builder.Apply(autodiff.OpAdd, alpha, square)), nil
	}
	f, ok := functions[name]
	if !ok {
		all := append(slices.Collect(maps.Keys(functions)), smoothAbs)
		if near := nearest(name, all); near != "" {
			return 0, c.errorAt(at, "unknown function %q, want a function such as %q, which is the nearest", name, near)
		}
		slices.Sort(all)
		return 0, c.errorAt(at, "unknown function %q, want %s", name, enumerate(all))
	}
	want := f.op.Arguments()
	if f.max == variadic && len(arguments) > want {
		r, err := c.apply(f.op, arguments[:want]...)
		if err != nil {
			return 0, err
		}
		for _, a := range arguments[want:] {
			next, err := c.node(a)
			if err != nil {
				return 0, err
			}
			r = c.builder.Apply(f.op, r, next)
		}
		return r, nil
	}
	if len(arguments) != want {
		if f.max == variadic {
			return 0, c.errorAt(at, "%s has %d arguments, want %d or more", name, len(arguments), want)
		}
		return 0, c.errorAt(at, "%s has %d arguments, want %d", name, len(arguments), want)
	}
	return c.apply(f.op, arguments...)
}

// definition returns the value of a text under a name that it defines.
func (c *compilation) definition(n *ast.VariableDeclaratorNode) (autodiff.Ref, error) {
	_, isElement := c.known[n.Name]
	_, isDefined := c.defined[n.Name]
	if isElement || isDefined || isReserved(n.Name) || !isName(n.Name) {
		return 0, c.errorAt(n.Location().From, "%q cannot be defined, want a new name of letters, digits and _", n.Name)
	}
	v, err := c.node(n.Value)
	if err != nil {
		return 0, err
	}
	c.defined[n.Name] = v
	defer delete(c.defined, n.Name)
	return c.node(n.Expr)
}
