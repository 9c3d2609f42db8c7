package logging

import (
	"fmt"
	"io"
	"sync"
)

// outlet is one place that lines go to, with the queue in front of it.
type outlet struct {
	queue *queue[*line]
	// lowest is the severity from which on the outlet takes lines.
	lowest Severity
}

func newOutlet(length int) *outlet {
	return &outlet{queue: newQueue(length, (*line).size)}
}

// put takes a line, if it is for the outlet.
func (o *outlet) put(l *line) {
	if l.severity >= o.lowest {
		o.queue.put(l)
	}
}

// loss is the line that says how many lines an outlet had to leave out.
func (c *core) loss(dropped uint64) *line {
	return c.own(Warn, fmt.Sprintf("%d log lines are missing here: they came faster than they could be written", dropped))
}

// own is a line that the log itself has to say.
func (c *core) own(severity Severity, message string) *line {
	file, function, number := call(2)
	return &line{stamp: c.now(), severity: severity, name: c.name, message: message,
		file: file, function: function, number: number}
}

// text writes lines to a stream.
type text struct {
	to      io.Writer
	format  format
	colored bool
	failed  func(error) // told of the first write that fails; may be nil

	buffer []byte
	once   sync.Once
}

func (t *text) write(l *line) error {
	t.buffer = t.buffer[:0]
	if t.colored {
		t.buffer = append(t.buffer, l.severity.color()...)
	}
	t.buffer = t.format.append(t.buffer, l)
	if t.colored {
		t.buffer = append(t.buffer, colorNormal...)
	}
	t.buffer = append(t.buffer, '\n')
	_, err := t.to.Write(t.buffer)
	if err != nil && t.failed != nil {
		t.once.Do(func() { t.failed(err) })
	}
	return err
}

// open starts the goroutine of an outlet that writes text; closer, if not nil, is closed
// after the last line.
func (c *core) open(o *outlet, t *text, closer io.Closer) *outlet {
	write := func(l *line) {
		// A log that cannot be written must not stop an arm.
		if t.write(l) != nil {
			o.queue.lose()
		}
	}
	go func() {
		o.queue.run(write, func(dropped uint64) { write(c.loss(dropped)) })
		if closer != nil {
			_ = closer.Close()
		}
	}()
	return o
}
