package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// most is the largest count that an answer may have.
const most = 1 << 28

// Process is one that is asked for turns over its standard input, or that only runs until that
// ends. One goroutine at a time.
type Process struct {
	Name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said bytes.Buffer
}

// Start starts a program. It is interrupted when the context ends.
func Start(ctx context.Context, name string, environment []string, program string, args ...string) (*Process, error) {
	p := &Process{Name: name, cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Env, p.cmd.Stderr = environment, &p.said
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 10 * time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Environment is that of this process without what ROS and Cyclone DDS read.
func Environment() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ROS_") && !strings.HasPrefix(v, "RMW_") && !strings.HasPrefix(v, "CYCLONEDDS_") {
			kept = append(kept, v)
		}
	}
	return kept
}

// Ready waits for the line "ready". An error ends the process.
func (p *Process) Ready() error {
	line, err := p.out.ReadString('\n')
	if err == nil && line != "ready\n" {
		err = fmt.Errorf("said %q, expected ready", line)
	}
	return p.explain(err)
}

// Ask sends a request, a line, and reads the answer: a line of at least so many counts, and as
// many lists of the first count of times in ns, as native uint32. An error ends the process.
func (p *Process) Ask(request string, counts, lists int) (count []int, times [][]uint32, err error) {
	if _, err := fmt.Fprintln(p.in, request); err != nil {
		return nil, nil, p.explain(err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return nil, nil, p.explain(err)
	}
	for _, word := range strings.Fields(line) {
		var n int
		if _, err := fmt.Sscan(word, &n); err != nil || n < 0 {
			return nil, nil, p.explain(fmt.Errorf("said %q, expected counts", line))
		}
		count = append(count, n)
	}
	if len(count) < max(counts, 1) || count[0] > most {
		return nil, nil, p.explain(fmt.Errorf("said %q, expected %d counts, the first of at most %d", line, counts, most))
	}
	for range lists {
		list := make([]uint32, count[0])
		if err := binary.Read(p.out, binary.NativeEndian, list); err != nil {
			return nil, nil, p.explain(err)
		}
		times = append(times, list)
	}
	return count, times, nil
}

// explain ends the process after an error, and adds what it said.
func (p *Process) explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it ended")
	}
	return fmt.Errorf("%s: %w\n%s", p.Name, err, strings.Join(p.Close(), "\n"))
}

// Close ends the process, waits for it and returns the lines that it wrote to standard error.
// Closing twice does nothing.
func (p *Process) Close() []string {
	p.in.Close() // which ends it
	_, _ = io.Copy(io.Discard, p.out)
	_ = p.cmd.Wait()
	return strings.FieldsFunc(p.said.String(), func(r rune) bool { return r == '\n' })
}
