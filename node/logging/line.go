package logging

import (
	"runtime"
	"strings"
)

// line is one line of the log; it is shared by the queues and not changed.
type line struct {
	stamp    int64 // ns since the Unix epoch
	severity Severity
	name     string // of the logger
	message  string
	file     string // of the call, with function and number
	function string
	number   int
}

// maxMessage bounds a message in bytes.
const maxMessage = 64 << 10

// size is about what a line holds of memory, in bytes.
func (l *line) size() int { return 128 + len(l.message) }

// call returns the file, function and line of a caller; skip counts as for runtime.Callers.
func call(skip int) (file, function string, number int) {
	var pcs [1]uintptr
	if runtime.Callers(skip+1, pcs[:]) == 0 {
		return "", "", 0
	}
	frame, _ := runtime.CallersFrames(pcs[:]).Next()
	function = frame.Function[strings.LastIndexByte(frame.Function, '/')+1:]
	_, function, _ = strings.Cut(function, ".") // the package is in the file's path
	return frame.File, function, frame.Line
}
