package dataset

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// trial is one rollout with its costs.
type trial struct {
	*guided_policy_search_msgs.Rollout
	file string // relative to the run
	// total is the cost, steps those of the time steps, T; nil where the cost is not known.
	total float64
	steps []float64
}

// reader reads trials, all of one kind.
type reader struct {
	folder *record.Folder
	names  Names
	cost   *learner.SampleCost // nil where it is not known
	first  *trial
}

// read returns a recording. It fails, with an error wrapping ErrMixed, if its sizes or names are not
// those of the trials before.
func (r *reader) read(rec recording) (*trial, error) {
	m, err := r.folder.ReadRollout(rec.path)
	if err != nil {
		return nil, err
	}
	t := &trial{Rollout: m, file: rec.path}
	if r.cost != nil {
		sample := &rollout.Rollout{T: int(m.Steps), DX: int(m.Dx), DU: int(m.Du), X: m.States, U: m.Actions}
		if t.steps, err = r.cost.Steps(sample); err != nil {
			return nil, fmt.Errorf("%s: %w", r.folder.Path(rec.path), err)
		}
		for _, v := range t.steps {
			t.total += v
		}
	}
	if r.first == nil {
		r.names.States, r.names.Joints = m.StateNames, m.JointNames
		if len(m.StateNames) != int(m.Dx) || len(m.JointNames) != int(m.Du) {
			return nil, fmt.Errorf("%w: %s names %d states and %d joints of dX=%d dU=%d", ErrMixed, r.folder.Path(rec.path), len(m.StateNames), len(m.JointNames), m.Dx, m.Du)
		}
		r.first = t
	}
	if a := r.first; !slices.Equal(a.StateNames, m.StateNames) || !slices.Equal(a.JointNames, m.JointNames) || a.Dx != m.Dx || a.Du != m.Du {
		return nil, fmt.Errorf("%w: %s has the states %q and the joints %q, %s has %q and %q: export them apart, with --iteration",
			ErrMixed, r.folder.Path(a.file), a.StateNames, a.JointNames, r.folder.Path(rec.path), m.StateNames, m.JointNames)
	}
	return t, nil
}

// state returns x_t, dX.
func (t *trial) state(step int) []float64 {
	return t.States[step*int(t.Dx) : (step+1)*int(t.Dx)]
}

// stamp returns the time of joint state t in ns since the epoch, and whether it was recorded.
func (t *trial) stamp(step int) (ns int64, known bool) {
	if len(t.Stamps) == 0 {
		return 0, false
	}
	return nanoseconds(t.Stamps[step]), true
}

func nanoseconds(s builtin_interfaces.Time) int64 {
	return int64(s.Sec)*1_000_000_000 + int64(s.Nanosec)
}

// key returns the values of keyColumns.
func (t *trial) key() []Value {
	return []Value{{Int: int64(t.Iteration)}, {Int: int64(t.Condition)}, {Int: int64(t.Sample)}}
}

// row returns the values of trialColumns.
func (t *trial) row() []Value {
	list := []Value{{Uint: t.NoiseSeed}, {Text: t.Driver}, {Float: t.Dt}, {Int: int64(t.Rollout.Steps)},
		{Float: t.total, Missing: t.steps == nil}, {Int: int64(t.Intervened)}}
	for _, v := range t.state(0) {
		list = append(list, Value{Float: v})
	}
	return list
}

// stepRow appends the values of stepColumns to dst.
func (t *trial) stepRow(dst []Value, step int) []Value {
	T, dU := int(t.Rollout.Steps), int(t.Du)
	ns, known := t.stamp(step)
	at := float64(step) * t.Dt
	if known {
		begin, _ := t.stamp(0)
		at = float64(ns-begin) * 1e-9
	}
	cost := Value{Missing: t.steps == nil || step >= T}
	if !cost.Missing {
		cost.Float = t.steps[step]
	}
	dst = append(dst, Value{Int: int64(step)}, Value{Int: ns, Missing: !known}, Value{Float: at}, cost)
	for _, v := range t.state(step) {
		dst = append(dst, Value{Float: v})
	}
	for _, list := range [][]float64{t.Actions, t.Commanded} {
		for i := range dU {
			v := Value{Missing: step >= T || len(list) == 0}
			if !v.Missing {
				v.Float = list[step*dU+i]
			}
			dst = append(dst, v)
		}
	}
	return dst
}
