package replay

import (
	"fmt"
	"math"
	"strings"
)

// verdict says in a sentence or two what came out.
func (r *Result) verdict() string {
	n := len(r.Iterations)
	switch {
	case n == 0:
		return "Nothing was replayed."
	case len(r.Changed) == 0 && r.Identical == n:
		return fmt.Sprintf("Nothing was changed, and %s: every checkpoint is the recorded one, byte for byte.", plural(n, "update came out the same", "updates came out the same"))
	case len(r.Changed) == 0:
		return fmt.Sprintf("Nothing was changed, but %s otherwise than recorded (iteration %s): the run was made by another version of the program, on a processor with other arithmetic, under parameters that were set on its way, or its files were changed since.",
			plural(n-r.Identical, "update came out", "updates came out"), r.differing())
	case r.Identical == n:
		return fmt.Sprintf("With %s nothing would have changed: every checkpoint is the recorded one, byte for byte.", strings.Join(r.Changed, ", "))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "With %s %s", strings.Join(r.Changed, ", "), plural(n-r.Identical, "update would have come out otherwise", "updates would have come out otherwise"))
	if r.Identical > 0 {
		fmt.Fprintf(&b, " (%d as recorded)", r.Identical)
	}
	if was, is, ok := r.sums(func(u *Update) *float64 { return u.PredictedImprovement }); ok && !r.costChanged() {
		fmt.Fprintf(&b, "; together they promise an improvement of %s instead of %s", number(is), number(was))
	}
	if was, is, ok := r.sums(func(u *Update) *float64 { return u.KL }); ok {
		fmt.Fprintf(&b, "; they move the controllers by %s nat instead of %s", number(is/float64(n)), number(was/float64(n)))
	}
	if mean, ok := r.action(); ok {
		fmt.Fprintf(&b, "; at the recorded states the torques differ by %s N m in the mean", number(mean))
	}
	b.WriteString(".")
	if r.costChanged() {
		b.WriteString(" The cost was changed: costs and improvements are in other units than the recorded ones.")
	}
	if r.OffPolicy {
		fmt.Fprintf(&b, " From iteration %d on the rollouts were drawn by the recorded controllers, not by those that are improved here (off-policy): what the robot would have done with these is not known.", r.firstOffPolicy())
	}
	return b.String()
}

// plural counts something.
func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// maxListed bounds how many iterations are named.
const maxListed = 8

// differing names the iterations that came out otherwise.
func (r *Result) differing() string {
	var list []string
	for _, it := range r.Iterations {
		if !it.Identical {
			list = append(list, fmt.Sprint(it.Iteration))
		}
	}
	if len(list) > maxListed {
		list = append(list[:maxListed], "...")
	}
	return strings.Join(list, ", ")
}

func (r *Result) firstOffPolicy() int {
	for _, it := range r.Iterations {
		if it.OffPolicy {
			return it.Iteration
		}
	}
	return 0
}

// costChanged tells whether recorded and replayed costs are of different kinds.
func (r *Result) costChanged() bool {
	for _, c := range r.Changed {
		if strings.HasPrefix(c, "cost.") {
			return true
		}
	}
	return false
}

// sums adds up a number of all updates, and tells whether all have it.
func (r *Result) sums(of func(*Update) *float64) (was, is float64, ok bool) {
	for i := range r.Iterations {
		a, b := of(&r.Iterations[i].Recorded), of(&r.Iterations[i].Replayed)
		if a == nil || b == nil {
			return 0, 0, false
		}
		was, is = was+*a, is+*b
	}
	return was, is, true
}

// action returns the mean difference of the torques, and whether it is known.
func (r *Result) action() (mean float64, ok bool) {
	for _, it := range r.Iterations {
		if it.Distance == nil {
			return 0, false
		}
		mean += it.Distance.MeanAction / float64(len(r.Iterations))
	}
	return mean, true
}

// number formats a number for people.
func number(v float64) string {
	if a := math.Abs(v); a >= 1e5 {
		return fmt.Sprintf("%.2e", v)
	} else if a >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
