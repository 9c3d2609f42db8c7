// Package record keeps what a run produces: a folder per run, and in it one MCAP file
// per trial (https://mcap.dev/spec).
//
//	<run>/params.yaml                                          resolved parameters
//	<run>/rollouts/metadata.yaml                               makes rollouts one rosbag2 bag
//	<run>/rollouts/iteration_003/condition_0_sample_2.mcap     one trial
//	<run>/iterations.jsonl                                     one JSON object per iteration
//	<run>/checkpoints/                                         written by gps/checkpoint
//	<run>/log.txt, *.png                                       log and pictures
//	<run>/set_aside/                                           what a crash left half-written
//	<run>/.lock                                                held while a process writes the run
//
// A trial that is recorded a second time takes the file's place; the earlier file stays
// beside it as condition_0_sample_2.1.mcap, .2.mcap, ... What there is of a trial that a fault
// broke off is in broken_condition_0_sample_2.mcap. Motions that were recorded elsewhere and
// imported are those of iteration 0.
//
// Recordings, parameters, metadata.yaml, checkpoints and policies appear whole or not at all: each is
// written under a temporary name, synced, renamed, and the folder is synced. What a crash leaves
// behind is moved into set_aside by Open, which says so. The log and iterations.jsonl are appended
// to: of the latter each line is synced, one that the disk does not take is cut off again, and Open
// does so with one that a crash left. Pictures are renamed, but not synced: they can be drawn again.
//
// # Form of a trial
//
// MCAP profile "ros2", message encoding "cdr", schema encoding "ros2msg", one chunk or
// more without compression, all checksums. Channels are the joint states
// (sensor_msgs/msg/JointState) and commands (std_msgs/msg/Float64MultiArray) as they
// were on the wire, in order of their receive time, then one
// guided_policy_search_msgs/msg/Rollout, which is what learning reads. logTime is when
// a message was received, publishTime when it was sent. logTime never goes back within a trial:
// where the machine's clock is set back, the times go on from the message before, and a metadata
// record, guided_policy_search.clock, says how often and by how much. Extra topics, such as a
// camera's, have channels of their own before the rollout's.
package record

import "errors"

var (
	// ErrLocked marks a run folder that another process writes.
	ErrLocked = errors.New("record: the run folder is in use")
	// ErrNotEmpty marks a folder for a new run that holds files already.
	ErrNotEmpty = errors.New("record: the folder is not empty")
	// ErrNotRun marks a folder that is not a run's.
	ErrNotRun = errors.New("record: not a run folder")
	// ErrDamaged marks a recording that cannot be read; the error says file, byte and
	// what is wrong there.
	ErrDamaged = errors.New("record: damaged recording")
	// ErrShape marks a rollout whose arrays do not have the sizes it states.
	ErrShape = errors.New("record: rollout of inconsistent sizes")
	// ErrDisk marks a file that the disk did not take: it is full, read-only, or fails. The error
	// says which, and what to do.
	ErrDisk = errors.New("record: not written")
)
