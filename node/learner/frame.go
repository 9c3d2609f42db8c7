package learner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrProtocol marks bytes between node and learner that are no frame.
var ErrProtocol = errors.New("learner: broken pipe protocol")

// frameKind says what a frame holds.
type frameKind byte

// A frame is 4 bytes of length (little endian, kind and body), 1 byte of kind, the body.
const (
	// Learner to node.
	frameCommand frameKind = 'C' // TrialCommand, CDR
	frameReport  frameKind = 'R' // Report, JSON: as in the iterations' file, with more than the message has
	frameNote    frameKind = 'N' // text for the log
	frameDone    frameKind = 'D' // empty: all iterations are done
	frameFailed  frameKind = 'F' // text: the learner cannot go on
	// Node to learner.
	frameRecorded frameKind = 'T' // path of a recorded rollout in the run folder
)

// maxFrame bounds a frame, in bytes.
const maxFrame = 1 << 30

func writeFrame(w io.Writer, kind frameKind, body []byte) error {
	frame := make([]byte, 5, 5+len(body))
	binary.LittleEndian.PutUint32(frame, uint32(1+len(body)))
	frame[4] = byte(kind)
	_, err := w.Write(append(frame, body...))
	return err
}

func readFrame(r io.Reader) (frameKind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < 1 || n > maxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrProtocol, n)
	}
	// Grown as the bytes come, so that a wrong length allocates nothing.
	body, err := io.ReadAll(io.LimitReader(r, int64(n-1)))
	if err == nil && len(body) != int(n-1) {
		err = io.ErrUnexpectedEOF
	}
	return frameKind(head[4]), body, err
}
