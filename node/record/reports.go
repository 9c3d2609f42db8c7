package record

import "fmt"

// LostReports returns an error that says which lines of the iterations' file are missing between those
// of two iterations that follow each other there, last being 0 before the first one; nil for none.
func LostReports(last, next int) error {
	switch lost := next - last - 1; {
	case lost <= 0:
		return nil
	case lost == 1:
		return fmt.Errorf("report of iteration %d, and none of %d before it: its line was lost; put it back from a copy of the run, or go on without it, by the checkpoints", next, last+1)
	}
	return fmt.Errorf("report of iteration %d, and none of %d to %d before it: their lines were lost; put them back from a copy of the run, or go on without them, by the checkpoints", next, last+1, next-1)
}
