package learner

import (
	"errors"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/record"
)

// diskError says what can be done about a checkpoint that could not be written.
func diskError(err error) error {
	var w *checkpoint.WriteError
	if errors.As(err, &w) {
		return record.DiskError(w.Path, w.Bytes, err)
	}
	return err
}
