// Package trajectory reads recorded motions of a robot's joints.
package trajectory

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ErrFormat marks a file that is no recorded motion of the robot's joints.
var ErrFormat = errors.New("trajectory: invalid file")

// Trajectory is a recorded motion of n joints, one row per time stamp.
type Trajectory struct {
	// Time holds the stamps in s, strictly increasing, one per row.
	Time []float64
	// Position (rad or m), Velocity (rad/s or m/s) and Effort (N m or N) hold n numbers
	// per row, in the order of the joints that were asked for. Velocity and Effort are
	// nil if the file has none.
	Position, Velocity, Effort []float64
}

// quantities of a joint, in the order of Trajectory's fields; the first is required.
var quantities = []string{"position", "velocity", "effort"}

const (
	timeColumn = "time"
	// maxBytes and maxRows bound what is read.
	maxBytes = 1 << 26
	maxRows  = 1 << 20
)

// ReadCSV reads a motion of the named joints from comma-separated values (RFC 4180): a
// header of the column names time, JOINT.position and, for all joints or for none,
// JOINT.velocity and JOINT.effort, in any order, and a row of numbers per time stamp, at
// least two. A column of any other name is an error. Errors wrap ErrFormat and tell line
// and column (in bytes, from 1), or are those of r.
func ReadCSV(r io.Reader, joints []string) (*Trajectory, error) {
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	table := csv.NewReader(limited)
	table.TrimLeadingSpace, table.ReuseRecord = true, true
	read := func() ([]string, error) {
		record, err := table.Read()
		if limited.N <= 0 {
			return nil, fmt.Errorf("%w: it has more than %d bytes", ErrFormat, maxBytes)
		}
		var parse *csv.ParseError
		switch {
		case errors.Is(err, csv.ErrFieldCount):
			return nil, fmt.Errorf("%w: line %d has %d values, need %d, one per column of the header", ErrFormat, line(table), len(record), table.FieldsPerRecord)
		case errors.As(err, &parse):
			return nil, fmt.Errorf("%w: line %d column %d: %w", ErrFormat, parse.Line, parse.Column, parse.Err)
		}
		return record, err
	}
	header, err := read()
	if err == io.EOF {
		return nil, fmt.Errorf("%w: it is empty, need a header with %s and JOINT.position", ErrFormat, timeColumn)
	}
	if err != nil {
		return nil, err
	}
	columns, err := parseHeader(table, header, joints)
	if err != nil {
		return nil, err
	}
	t := &Trajectory{}
	parts := []*[]float64{&t.Position, &t.Velocity, &t.Effort}
	row := make([]float64, len(header))
	for {
		record, err := read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for i, text := range record {
			if row[i], err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || math.IsNaN(row[i]) || math.IsInf(row[i], 0) {
				return nil, fail(table, i, "%.40q in column %s, need a finite number", text, columns.names[i])
			}
		}
		now := row[columns.time]
		if n := len(t.Time); n > 0 && !(now > t.Time[n-1]) {
			return nil, fail(table, columns.time, "%s is %v s, need more than the row before has, %v s", timeColumn, now, t.Time[n-1])
		}
		if len(t.Time) == maxRows {
			return nil, fail(table, 0, "more than %d rows", maxRows)
		}
		t.Time = append(t.Time, now)
		for q, part := range parts {
			for _, c := range columns.of[q] {
				*part = append(*part, row[c])
			}
		}
	}
	if len(t.Time) < 2 {
		return nil, fmt.Errorf("%w: it has %d rows after the header, need at least two", ErrFormat, len(t.Time))
	}
	return t, nil
}

// layout says where the columns are.
type layout struct {
	names []string
	time  int
	// of has, per quantity, the column of each joint; empty where there is none.
	of [][]int
}

func parseHeader(table *csv.Reader, header, joints []string) (*layout, error) {
	l := &layout{time: -1, of: make([][]int, len(quantities))}
	for i, text := range header {
		name := strings.TrimSpace(text)
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // as spreadsheets write it
		}
		if slices.Contains(l.names, name) {
			return nil, fail(table, i, "column %.80q is there twice", name)
		}
		l.names = append(l.names, name)
		dot := strings.LastIndexByte(name, '.')
		known := name == timeColumn || dot >= 0 && slices.Contains(joints, name[:dot]) && slices.Contains(quantities, name[dot+1:])
		if !known {
			return nil, fail(table, i, "column %.80q, need %s or JOINT.%s of the joints %q", name, timeColumn, strings.Join(quantities, ", JOINT."), joints)
		}
	}
	if l.time = slices.Index(l.names, timeColumn); l.time < 0 {
		return nil, fail(table, 0, "there is no column %s", timeColumn)
	}
	for q, quantity := range quantities {
		var missing string
		for _, joint := range joints {
			if c := slices.Index(l.names, joint+"."+quantity); c >= 0 {
				l.of[q] = append(l.of[q], c)
			} else if missing == "" {
				missing = joint + "." + quantity
			}
		}
		if missing != "" && (q == 0 || len(l.of[q]) > 0) {
			return nil, fail(table, 0, "there is no column %s: the %s of all joints%s is needed", missing, quantity, map[bool]string{false: " or of none"}[q == 0])
		}
	}
	return l, nil
}

func line(table *csv.Reader) int {
	l, _ := table.FieldPos(0)
	return l
}

// fail returns an error with the place of a field of the record that was read last.
func fail(table *csv.Reader, field int, format string, args ...any) error {
	line, column := table.FieldPos(field)
	return fmt.Errorf("%w: line %d column %d: %s", ErrFormat, line, column, fmt.Sprintf(format, args...))
}
