package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// write writes the table.
func (o *outcome) write(out io.Writer) error {
	fmt.Fprintf(out, "\n%s\nRound trips of 300 bytes there and %d back, %d rounds of %d turns of %d; us.\n\n", &o.Machine, answerBytes, o.Rounds, o.Turns, o.Count)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "who answers\tp50\tp99\tp99.9\tmax\tnode to this, p50\tp99\t")
	for _, r := range o.Rows {
		to50, to99 := "-", "-"
		if r.NodeP50 > 0 {
			to50, to99 = fmt.Sprintf("%.2fx", r.NodeP50), fmt.Sprintf("%.2fx", r.NodeP99)
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.0f\t%s\t%s\t\n", r.Title, r.P50/1e3, r.P99/1e3, r.P999/1e3, r.Max/1e3, to50, to99)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range o.Left {
		fmt.Fprintln(out, "Left out:", l)
	}
	return nil
}
