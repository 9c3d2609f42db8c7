package cdr

import (
	"errors"
	"fmt"
	"strconv"
)

var (
	// ErrHeader marks a payload whose first four bytes are not a CDR header.
	ErrHeader = errors.New("cdr: not a plain CDR header")
	// ErrTruncated marks a payload that ends before its fields do, or whose lengths
	// promise more than is there.
	ErrTruncated = errors.New("cdr: payload too short")
	// ErrString marks a string that does not end with a zero byte.
	ErrString = errors.New("cdr: string not terminated")
	// ErrBound marks a sequence or string longer than its definition allows.
	ErrBound = errors.New("cdr: over the bound of the definition")
)

// Error says where a payload could not be read. It wraps one of the package's errors.
type Error struct {
	Type   string // ROS name of the message, "sensor_msgs/msg/JointState"
	Field  string // path of the field, "layout.dim[3].label"; empty for the header
	Offset int    // bytes from the start of the payload, header included
	Detail string // what was found and what was expected
	Err    error
}

// Error returns the message on one line.
func (e *Error) Error() string {
	where := e.Type
	if e.Field != "" {
		where += "." + e.Field
	}
	return fmt.Sprintf("%v: %s at byte %d: %s", e.Err, where, e.Offset, e.Detail)
}

// Unwrap returns the kind of the error.
func (e *Error) Unwrap() error { return e.Err }

// maxDepth is the depth of nesting that error messages name; deeper names are left out.
const maxDepth = 8

// step is one level of nesting; index is -1 outside sequences.
type step struct {
	field string
	index int
}

// fail records the first error.
func (d *Decoder) fail(field string, kind error, detail string) {
	if d.err != nil {
		return
	}
	var path []byte
	for _, s := range d.path[:min(d.depth, maxDepth)] {
		path = append(path, s.field...)
		if s.index >= 0 {
			path = append(path, '[')
			path = strconv.AppendInt(path, int64(s.index), 10)
			path = append(path, ']')
		}
		path = append(path, '.')
	}
	if path = append(path, field...); field == "" && len(path) > 0 {
		path = path[:len(path)-1]
	}
	d.err = &Error{Type: d.typ, Field: string(path), Offset: d.pos, Detail: detail, Err: kind}
}
