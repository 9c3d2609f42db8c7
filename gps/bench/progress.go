package main

import (
	"fmt"
	"io"
)

// progress tells on a terminal, in one line, what is being measured; elsewhere a line per
// stage will do.
type progress struct {
	out      io.Writer
	terminal bool
	stage    *string
}

func newProgress(out io.Writer, terminal bool) progress {
	return progress{out: out, terminal: terminal, stage: new(string)}
}

// tell says that work number n of total of a stage is reached.
func (p progress) tell(stage string, n, total int, what string) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s %d/%d: %s", stage, n, total, what)
	} else if *p.stage != stage {
		fmt.Fprintf(p.out, "%s (%d)\n", stage, total)
	}
	*p.stage = stage
}

// clear removes the line.
func (p progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
