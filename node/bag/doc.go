// Package bag reads the records of MCAP files (https://mcap.dev/spec), as rosbag2 and others write
// them, within bounds: what a file says of lengths is believed only as far as its bytes go. It also
// reads what there is of files that were cut off or have changed.
package bag

import (
	"errors"

	"github.com/foxglove/mcap/go/mcap"
)

// ErrDamaged marks a file that is not whole, or no MCAP file. The error says the byte.
var ErrDamaged = errors.New("bag: damaged")

// errCut marks a file whose end is missing.
var errCut = errors.New("cut off before its end, as when recording was killed")

// Visitor sees a schema, a channel or a message, and where in the file its record begins, or the
// chunk that it is in; the body is valid until the next one.
type Visitor func(op mcap.OpCode, at int64, body []byte) error

// Loss is what could not be read of a file.
type Loss struct {
	Size int64 // of the file in bytes
	Lost int64 // how many of them could not be read
	// Cause says where the first of them is, and what is wrong there; an ErrDamaged. nil for a
	// whole file.
	Cause error
}
