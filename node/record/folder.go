package record

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

// Names in a run folder.
const (
	ParamsFile     = "params.yaml"
	SimulatorFile  = "simulator.yaml" // parameters of the simulated robot, where it is in the same process
	IterationsFile = "iterations.jsonl"
	LogFile        = "log.txt"
	CheckpointsDir = "checkpoints"
	RolloutsDir    = "rollouts"
	// PoliciesDir has the policy after each iteration, PolicyFile is the latest.
	PoliciesDir = "policies"
	PolicyFile  = "policy.gps"
	// IntermediatesDir has what updates computed on their way.
	IntermediatesDir = "intermediates"
	lockFile         = ".lock"
)

// Folder reads a run folder; any number of processes may, while one writes it.
type Folder struct{ dir string }

// View returns the folder of a run for reading, or an ErrNotRun.
func View(dir string) (*Folder, error) {
	info, err := os.Stat(filepath.Join(dir, RolloutsDir))
	// A file in place of the folder is ENOTDIR, which fs.ErrNotExist does not cover.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%w: %s has no folder %s", ErrNotRun, dir, RolloutsDir)
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return &Folder{dir}, nil
}

// Dir returns the path of the folder.
func (f *Folder) Dir() string { return f.dir }

// Path returns the path of something in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// iterationDir returns the folder of an iteration's trials, relative to the run.
func iterationDir(iteration uint32) string {
	return filepath.Join(RolloutsDir, fmt.Sprintf("iteration_%03d", iteration))
}

// TrialPath returns where a trial is recorded, relative to the run. Iterations are
// counted from 1, conditions and samples from 0.
func TrialPath(iteration, condition, sample uint32) string {
	return filepath.Join(iterationDir(iteration), fmt.Sprintf("condition_%d_sample_%d.mcap", condition, sample))
}

// BrokenPath returns where a trial is recorded that a fault broke off, relative to the run: beside
// the whole ones, but none of them.
func BrokenPath(iteration, condition, sample uint32) string {
	return filepath.Join(iterationDir(iteration), fmt.Sprintf("broken_condition_%d_sample_%d.mcap", condition, sample))
}

// PolicyPath returns where the policy after an iteration is, relative to the run.
func PolicyPath(iteration int) string {
	return filepath.Join(PoliciesDir, fmt.Sprintf("policy_%04d.gps", iteration))
}

// IntermediatesPath returns where the intermediates of an iteration's update are, relative to the run.
func IntermediatesPath(iteration int) string {
	return filepath.Join(IntermediatesDir, fmt.Sprintf("iteration_%04d.npz", iteration))
}

var trialName = regexp.MustCompile(`^condition_(\d{1,10})_sample_(\d{1,10})\.mcap$`)

// Rollouts returns the recordings of an iteration, as paths relative to the run, in the
// order of condition and sample; none is no error.
func (f *Folder) Rollouts(iteration uint32) ([]string, error) {
	dir := iterationDir(iteration)
	entries, err := os.ReadDir(f.Path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	type trial struct {
		condition, sample uint64
		path              string
	}
	var trials []trial
	for _, e := range entries {
		m := trialName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		condition, _ := strconv.ParseUint(m[1], 10, 64) // ten digits at most
		sample, _ := strconv.ParseUint(m[2], 10, 64)
		trials = append(trials, trial{condition, sample, filepath.Join(dir, e.Name())})
	}
	slices.SortFunc(trials, func(a, b trial) int {
		return cmp.Or(cmp.Compare(a.condition, b.condition), cmp.Compare(a.sample, b.sample))
	})
	paths := make([]string, len(trials))
	for i, t := range trials {
		paths[i] = t.path
	}
	return paths, nil
}

// maxRecording bounds what ReadRollout reads into memory, in bytes.
const maxRecording = 1 << 30

// ReadRollout reads the rollout of a recording, relPath relative to the run. It checks
// every checksum of the file; a damaged or half-written one is an ErrDamaged.
func (f *Folder) ReadRollout(relPath string) (*guided_policy_search_msgs.Rollout, error) {
	if !filepath.IsLocal(relPath) {
		return nil, fmt.Errorf("record: path %q is not inside the run folder", relPath)
	}
	path := f.Path(relPath)
	data, err := ReadFile(path, maxRecording)
	if errors.Is(err, ErrDamaged) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	r, err := findRollout(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	return r, nil
}
