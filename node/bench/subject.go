package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"guidedpolicysearch/node/bench/harness"
)

// Names of the subjects.
const (
	waitset  = "waitset"
	listener = "listener"
	own      = "node"
	rclgo    = "rclgo"
	rclcpp   = "rclcpp"
)

var titles = map[string]string{waitset: "Cyclone DDS in C, waitset", listener: "Cyclone DDS in C, listener", own: "gps_node", rclgo: "gps_node, rclgo build", rclcpp: "rclcpp"}

// loopback is the domain configuration of all: what the node has for ROS_LOCALHOST_ONLY.
const loopback = `<CycloneDDS><Domain Id="any"><General><Interfaces><NetworkInterface address="127.0.0.1" multicast="true"/></Interfaces>` +
	`<AllowMulticast>spdp</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>99</MaxAutoParticipantIndex>` +
	`<Peers><Peer address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>`

// subject answers the joint states of a robot of its own, in a domain of its own.
type subject struct {
	name    string
	program *exec.Cmd
	robot   *harness.Process // peers/robot.c
	said    bytes.Buffer     // by the program
	stop    context.CancelFunc
}

// start starts a subject and its robot; steps is the length of the node's trials.
func start(ctx context.Context, b *build, name string, domain, steps int) (*subject, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &subject{name: name, stop: cancel}
	id, words := strconv.Itoa(domain), "messages"
	environment := append(harness.Environment(), "CYCLONEDDS_URI="+loopback)
	ros := append(slices.Clone(environment), "RMW_IMPLEMENTATION=rmw_cyclonedds_cpp", "ROS_DOMAIN_ID="+id)
	switch name {
	case waitset, listener:
		words = "octets"
		s.program = exec.CommandContext(ctx, b.Path("pong"), name, id)
	case rclcpp:
		s.program = exec.CommandContext(ctx, filepath.Join(b.Path("rclcpp"), "pong"))
		s.program.Env = ros
	case rclgo:
		s.program = exec.CommandContext(ctx, filepath.Join(b.Path("rclgo"), "gps_node"), nodeArguments(b, name, steps)...)
		s.program.Env = ros
	case own:
		s.program = exec.CommandContext(ctx, b.Path("gps_node"), nodeArguments(b, name, steps)...)
		s.program.Env = append(harness.Environment(), "ROS_LOCALHOST_ONLY=1", "ROS_DOMAIN_ID="+id)
	}
	if s.program.Env == nil {
		s.program.Env = environment
	}
	s.program.Dir = b.Dir
	s.program.Stdout, s.program.Stderr = &s.said, &s.said
	s.program.Cancel = func() error { return s.program.Process.Signal(os.Interrupt) }
	s.program.WaitDelay = 20 * time.Second
	// The end of this program is the end of pong's input, and with it of pong.
	if _, err := s.program.StdinPipe(); err != nil {
		cancel()
		return nil, err
	}
	if err := s.program.Start(); err != nil {
		cancel()
		return nil, err
	}
	var err error
	if s.robot, err = harness.Start(ctx, "robot", environment, b.Path("robot"), words, id); err == nil {
		err = s.robot.Ready() // it was answered
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w\n%s", titles[name], err, s.said.String())
	}
	return s, nil
}

// nodeArguments have the node run trials of some steps one after the other, with an arm of
// seven joints that rests where trials begin, and no update in between.
func nodeArguments(b *build, name string, steps int) []string {
	args := []string{"--ros-args", "--params-file", filepath.Join(b.Root, "params", "reach_7_link.yaml")}
	for _, p := range []string{
		"lock_step:=false", "loop.quiet_collector:=false", "sentinel:=false", "steps:=" + strconv.Itoa(steps), "samples:=1000", "safety.stale_timeout:=3600.0", "safety.learner_timeout:=0.0",
		"conditions.initial_position:=[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]", "run_folder:=" + b.Path("run_"+name),
	} {
		args = append(args, "-p", p)
	}
	return args
}

// hasTrials says if the subject is a node of this module.
func (s *subject) hasTrials() bool { return s.name == own || s.name == rclgo }

// prepare has a node begin a trial.
func (s *subject) prepare() error {
	if !s.hasTrials() {
		return nil
	}
	_, _, err := s.ask(true, 0, 0)
	return err
}

// answerBytes is the size of a command for seven joints, with its header.
const answerBytes = 76

// ask has the robot do round trips. It returns the times of count of them in ns, and how many of
// their answers had a torque. inTrial waits for a trial to begin first.
func (s *subject) ask(inTrial bool, warm, count int) (times []uint32, acted int, err error) {
	trial := 0
	if inTrial {
		trial = 1
	}
	counts, lists, err := s.robot.Ask(fmt.Sprint(trial, warm, count), 3, 1)
	switch {
	case err != nil:
	case counts[0] != count:
		err = fmt.Errorf("robot: %d round trips, expected %d", counts[0], count)
	case count > 0 && counts[2] != answerBytes:
		err = fmt.Errorf("robot: the answers have %d bytes, expected %d", counts[2], answerBytes)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w\n%s", titles[s.name], err, s.end())
	}
	return lists[0], counts[1], nil
}

// turn has the robot ask for round trips and returns their times.
func (s *subject) turn(warm, count int) ([]uint32, error) {
	times, acted, err := s.ask(false, warm, count)
	if err != nil {
		return nil, err
	}
	if s.hasTrials() && acted != count {
		return nil, fmt.Errorf("%s: %d of %d answers were of a trial, expected all\n%s", titles[s.name], acted, count, s.end())
	}
	return times, nil
}

// end ends the subject and returns what it said.
func (s *subject) end() string {
	s.close()
	return s.said.String()
}

// close ends both processes and waits for them. Closing twice does nothing.
func (s *subject) close() {
	s.stop()
	if s.robot != nil {
		s.robot.Close()
	}
	// It was interrupted: how it ended says nothing.
	_ = s.program.Wait()
}

// closeAll closes subjects.
func closeAll(all []*subject) {
	for _, s := range all {
		s.stop()
	}
	for _, s := range all {
		s.close()
	}
}
