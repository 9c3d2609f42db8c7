package learner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
)

// Serve runs the learner of a run folder as one end of a pipe: it reads the paths of
// recorded rollouts from r and writes trial commands and reports to w, until all
// iterations are done or r ends.
func Serve(ctx context.Context, p *Problem, folder *record.Folder, r io.Reader, w io.Writer) error {
	core, notes, err := NewCore(p, folder)
	for _, n := range notes {
		if err := writeFrame(w, frameNote, []byte(n)); err != nil {
			return err
		}
	}
	if err == nil {
		err = serve(ctx, core, r, w)
	}
	if err != nil {
		return errors.Join(err, writeFrame(w, frameFailed, []byte(err.Error())))
	}
	return nil
}

func serve(ctx context.Context, core *Core, r io.Reader, w io.Writer) error {
	// The rollouts of an iteration may be complete when the learner starts again.
	defer core.Close() // where the node is gone, with whom would hear of an error
	report, err := core.Update(ctx)
	for {
		if err != nil {
			return err
		}
		if report != nil {
			for _, warning := range report.Warnings {
				if err := writeFrame(w, frameNote, []byte(warning)); err != nil {
					return err
				}
			}
			body, err := json.Marshal(report)
			if err != nil {
				return fmt.Errorf("learner: report of iteration %d: %w", report.Iteration, err)
			}
			if err := writeFrame(w, frameReport, body); err != nil {
				return err
			}
		}
		command := core.Next()
		if command == nil {
			if err := core.Close(); err != nil {
				if err := writeFrame(w, frameNote, []byte(err.Error())); err != nil {
					return err
				}
			}
			return writeFrame(w, frameDone, nil)
		}
		message, err2 := rosio.Command(command, time.Now().UnixNano())
		if err2 == nil {
			err2 = writeFrame(w, frameCommand, message.AppendCDR(nil))
		}
		if err2 != nil {
			return err2
		}
		kind, body, err2 := readFrame(r)
		if err2 == io.EOF {
			return nil // the node is gone, or wants no more
		}
		if err2 != nil {
			return err2
		}
		if kind != frameRecorded {
			return fmt.Errorf("%w: a frame of kind %q where a recorded rollout was expected", ErrProtocol, kind)
		}
		report, err = core.Recorded(ctx, string(body))
	}
}
