package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// answerBytes is the size of a command for seven joints, with its header.
const answerBytes = 76

// robot is a running peers/robot.c.
type robot struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said bytes.Buffer
}

// startRobot starts a robot and waits until it was answered.
func startRobot(ctx context.Context, program, words, domain string, environment []string) (*robot, error) {
	r := &robot{cmd: exec.CommandContext(ctx, program, words, domain)}
	r.cmd.Env, r.cmd.Stderr = environment, &r.said
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := r.out.ReadString('\n')
	if err != nil || line != "ready\n" {
		return nil, r.failed(line, err)
	}
	return r, nil
}

// failed ends the robot and returns why it does not answer.
func (r *robot) failed(line string, err error) error {
	r.close()
	said := strings.TrimSpace(r.said.String())
	if said == "" {
		said = fmt.Sprintf("robot: said %q", line)
	}
	return errors.Join(errors.New(said), err)
}

// ask has the robot do round trips. It returns the times of count of them in ns, and how
// many of their answers had a torque. inTrial waits for a trial to begin first.
func (r *robot) ask(inTrial bool, warm, count int) (times []uint32, acted int, err error) {
	trial := 0
	if inTrial {
		trial = 1
	}
	if _, err := fmt.Fprintf(r.in, "%d %d %d\n", trial, warm, count); err != nil {
		return nil, 0, r.failed("", err)
	}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return nil, 0, r.failed(line, err)
	}
	var n, size int
	if _, err := fmt.Sscanf(line, "%d %d %d\n", &n, &acted, &size); err != nil || n != count {
		return nil, 0, r.failed(line, err)
	}
	times = make([]uint32, count)
	if err := binary.Read(r.out, binary.NativeEndian, times); err != nil {
		return nil, 0, r.failed("", err)
	}
	if count > 0 && size != answerBytes {
		return nil, 0, fmt.Errorf("robot: the answers have %d bytes, expected %d", size, answerBytes)
	}
	return times, acted, nil
}

// close ends the robot and waits for it. Closing twice does nothing.
func (r *robot) close() {
	r.in.Close()
	_ = r.cmd.Cancel()
	_ = r.cmd.Wait()
}
