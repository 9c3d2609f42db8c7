package main

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

// process is one that is asked for turns over its standard input, or that only runs until that
// ends.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said bytes.Buffer
}

// startProcess starts a program.
func startProcess(ctx context.Context, name, program string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Env, p.cmd.Stderr = plain(), &p.said
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
	return p, p.cmd.Start()
}

// plain is the environment without what ROS and Cyclone DDS read.
func plain() []string {
	var kept []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ROS_") && !strings.HasPrefix(v, "RMW_") && !strings.HasPrefix(v, "CYCLONEDDS_") {
			kept = append(kept, v)
		}
	}
	return kept
}

// ready waits for the line that says so.
func (p *process) ready() error {
	line, err := p.out.ReadString('\n')
	if err == nil && line != "ready\n" {
		err = fmt.Errorf("said %q, expected ready", line)
	}
	return p.explain(err)
}

// ask sends a request and reads the answer: the counts of its first line, and as many lists of
// the first count.
func (p *process) ask(request string, lists int) (counts []uint64, times [][]uint32, err error) {
	if _, err := fmt.Fprintln(p.in, request); err != nil {
		return nil, nil, p.explain(err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return nil, nil, p.explain(err)
	}
	for _, word := range strings.Fields(line) {
		var n uint64
		if _, err := fmt.Sscan(word, &n); err != nil {
			return nil, nil, p.explain(fmt.Errorf("said %q, expected counts", line))
		}
		counts = append(counts, n)
	}
	if len(counts) == 0 || counts[0] > 1<<28 {
		return nil, nil, p.explain(fmt.Errorf("said %q, expected counts", line))
	}
	for range lists {
		list := make([]uint32, counts[0])
		if err := binary.Read(p.out, binary.NativeEndian, list); err != nil {
			return nil, nil, p.explain(err)
		}
		times = append(times, list)
	}
	return counts, times, nil
}

// explain ends the process after an error, and adds what it said.
func (p *process) explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it ended")
	}
	return fmt.Errorf("%s: %w\n%s", p.name, err, strings.Join(p.close(), "\n"))
}

// close ends the process, waits for it and returns the lines that it wrote to standard error.
// Closing twice does nothing.
func (p *process) close() []string {
	p.in.Close() // which ends it
	_, _ = io.Copy(io.Discard, p.out)
	_ = p.cmd.Wait()
	return strings.FieldsFunc(p.said.String(), func(r rune) bool { return r == '\n' })
}
