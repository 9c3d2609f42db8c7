package node

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Severity is the severity of a log line, with the names of rcutils.
type Severity string

// Severities.
const (
	Info  Severity = "INFO"
	Warn  Severity = "WARN"
	Error Severity = "ERROR"
)

// Logger writes lines as rclcpp nodes do: [INFO] [seconds.nanoseconds] [name]: text.
type Logger struct {
	name string
	mu   sync.Mutex
	to   []io.Writer
}

// NewLogger returns a logger of the given logger name that writes to the writers.
func NewLogger(name string, to ...io.Writer) *Logger { return &Logger{name: name, to: to} }

// Add makes the logger write to w too.
func (l *Logger) Add(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = append(l.to, w)
}

// Log writes one line.
func (l *Logger) Log(s Severity, format string, args ...any) {
	now := time.Now()
	line := fmt.Sprintf("[%s] [%d.%09d] [%s]: %s\n", s, now.Unix(), now.Nanosecond(), l.name, fmt.Sprintf(format, args...))
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.to {
		// A log that cannot be written must not stop an arm.
		_, _ = io.WriteString(w, line)
	}
}
