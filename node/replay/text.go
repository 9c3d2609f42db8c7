package replay

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Write writes the result for people: a table, with what was recorded before what was replayed, and
// the verdict.
func (r *Result) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s, %s", r.Run, plural(len(r.Iterations), "update", "updates"))
	if r.Chain {
		fmt.Fprint(out, ", each from the replayed one before")
	}
	fmt.Fprint(out, "\n\n")
	policy := false
	for _, it := range r.Iterations {
		policy = policy || it.Recorded.PolicyLoss != nil || it.Replayed.PolicyLoss != nil
	}
	columns := []column{
		{"mean cost", both(func(u *Update) *float64 { return u.MeanCost })},
		{"predicted gain", both(func(u *Update) *float64 { return u.PredictedImprovement })},
		{"KL nat", both(func(u *Update) *float64 { return u.KL })},
		{"eta", both(func(u *Update) *float64 { return u.Eta })},
		{"step factor", both(func(u *Update) *float64 { return u.StepMultiplier })},
	}
	if policy {
		columns = append(columns, column{"policy loss", both(func(u *Update) *float64 { return u.PolicyLoss })})
	}
	columns = append(columns,
		column{"apart nat", distance(func(d *Distance) *float64 { return d.KL })},
		column{"max |dK|", distance(func(d *Distance) *float64 { return d.MaxGain })},
		column{"torque N m", distance(func(d *Distance) *float64 { return &d.MeanAction })})
	rows := make([][]string, len(r.Iterations)+1)
	rows[0] = append(rows[0], "iteration")
	for _, c := range columns {
		rows[0] = append(rows[0], c.title)
	}
	for i := range r.Iterations {
		it := &r.Iterations[i]
		mark := ""
		switch {
		case it.Identical:
			mark = " ="
		case it.OffPolicy:
			mark = " *"
		}
		row := []string{fmt.Sprintf("%d%-2s", it.Iteration, mark)}
		for _, c := range columns {
			row = append(row, c.cell(it))
		}
		rows[i+1] = row
	}
	writeTable(out, rows)
	fmt.Fprint(out, "\n\"a > b\": a was recorded, b is replayed; = byte for byte as recorded")
	if r.OffPolicy {
		fmt.Fprint(out, "; * off-policy")
	}
	fmt.Fprint(out, ".\nThe last three columns: how far the replayed controllers are from the recorded ones.\n")
	for _, n := range r.Notes {
		fmt.Fprintf(out, "Note: %s\n", n)
	}
	fmt.Fprintf(out, "%s\n", r.Verdict)
	if r.Out != "" {
		fmt.Fprintf(out, "Kept as a run: %s\n", r.Out)
	}
	return out.Flush()
}

// column of the table.
type column struct {
	title string
	cell  func(*Iteration) string
}

// both shows a number of the recorded and the replayed update, once if they look the same.
func both(of func(*Update) *float64) func(*Iteration) string {
	return func(it *Iteration) string {
		was, is := shown(of(&it.Recorded)), shown(of(&it.Replayed))
		if was == is {
			return is
		}
		return was + " > " + is
	}
}

func distance(of func(*Distance) *float64) func(*Iteration) string {
	return func(it *Iteration) string {
		if it.Distance == nil {
			return "-"
		}
		return shown(of(it.Distance))
	}
}

func shown(v *float64) string {
	if v == nil {
		return "-"
	}
	return number(*v)
}

// writeTable writes rows of cells, flush right.
func writeTable(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				io.WriteString(w, "  ")
			}
			io.WriteString(w, strings.Repeat(" ", width[i]-len(cell))+cell)
		}
		io.WriteString(w, "\n")
	}
}
