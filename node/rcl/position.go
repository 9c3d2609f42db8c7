package rcl

import "fmt"

// Position says where a value was written: in a file (Line and Column from 1; Column 0 where
// unknown), or on the command line (Argument, as typed).
type Position struct {
	File         string
	Line, Column int
	Argument     string
}

// IsZero tells whether nothing is known of the place.
func (p Position) IsZero() bool { return p == Position{} }

// String gives "file:line:column", or "command line: -p name:=value".
func (p Position) String() string {
	switch {
	case p.Argument != "":
		return "command line: " + p.Argument
	case p.File == "":
		return "unknown place"
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// SourceError is a mistake in a parameter file, a parameter value or an argument.
type SourceError struct {
	Source  Position
	Problem string // what is wrong, what was expected
	Err     error  // ErrArguments, ErrParameters, or the cause
}

func (e *SourceError) Error() string { return e.Source.String() + ": " + e.Problem }

// Unwrap gives the sentinel or the cause.
func (e *SourceError) Unwrap() error { return e.Err }
