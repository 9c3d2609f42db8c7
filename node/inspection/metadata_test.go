package inspection_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node/inspection"
	"guidedpolicysearch/node/record"
)

// TestMetadataOfRun has metadata.yaml say something else than the recordings. Each time the next process
// that opens the run for writing sets it right.
func TestMetadataOfRun(t *testing.T) {
	whole := recordedRun(t)
	metadata := filepath.Join(record.RolloutsDir, record.MetadataFile)
	replace := func(old, new string, times int) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, metadata)
			text, err := os.ReadFile(path)
			if err != nil || strings.Count(string(text), old) == 0 {
				t.Fatalf("%q is not in %s (%v)", old, text, err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, times)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, dir string)
		says string // "" for nothing
	}{
		"other form":     {replace("version: 5", "version:   5 # of rosbag2", 1), ""},
		"missing":        {remove(metadata), "metadata.yaml: is missing, and makes the 6 recordings one bag"},
		"no YAML":        {replace("  version", "\tversion", 1), "metadata.yaml: yaml: "},
		"empty":          {func(t *testing.T, dir string) { _ = os.Truncate(filepath.Join(dir, metadata), 0) }, "has no rosbag2_bagfile_information"},
		"storage":        {replace("identifier: mcap", "identifier: sqlite3", 1), `stored as "sqlite3", expected "mcap"`},
		"messages":       {replace("message_count: 252\n", "message_count: 253\n", 1), "there are 253 messages of 3 topics"},
		"duration":       {replace("duration:\n    nanoseconds: ", "duration:\n    nanoseconds: 1", 1), "the recordings have 252 of 3"},
		"a topic's":      {replace("message_count: 126\n", "message_count: 125\n", 1), "/joint_states has 125 messages of sensor_msgs/msg/JointState, and the recordings have not"},
		"a topic's type": {replace("type: sensor_msgs/msg/JointState", "type: sensor_msgs/msg/Imu", 1), "/joint_states has 126 messages of sensor_msgs/msg/Imu"},
		"a recording's":  {replace("message_count: 42\n", "message_count: 41\n", 1), "says that iteration_001/condition_0_sample_0.mcap holds 41 messages"},
		"not named":      {replace("    - iteration_002/condition_0_sample_1.mcap\n", "", 1), "does not name 1 recordings that are there, the first is rollouts/iteration_002/condition_0_sample_1.mcap"},
		"named twice":    {replace("    - iteration_002/condition_0_sample_1.mcap\n", "    - iteration_002/condition_0_sample_0.mcap\n", 1), `names "iteration_002/condition_0_sample_0.mcap", which is named already`},
		"outside":        {replace("    - iteration_002/condition_0_sample_1.mcap\n", "    - ../../x.mcap\n", 1), "not inside of the bag's folder"},
		"recording gone": {remove(record.TrialPath(2, 0, 1)), "names 1 recordings that are missing, the first is iteration_002/condition_0_sample_1.mcap"},
		"all of them gone": {func(t *testing.T, dir string) {
			remove("rollouts/iteration_001")(t, dir)
			remove("rollouts/iteration_002")(t, dir)
		}, "names 6 recordings that are missing, the first is iteration_001/condition_0_sample_0.mcap"},
		// What a run was doing when it was cut off is not in the metadata yet.
		"next iteration": {func(t *testing.T, dir string) {
			if err := os.CopyFS(filepath.Join(dir, "rollouts/iteration_003"), os.DirFS(filepath.Join(dir, "rollouts/iteration_002"))); err != nil {
				t.Fatal(err)
			}
		}, ""},
		"before the first iteration ended": {func(t *testing.T, dir string) { remove(metadata)(t, dir); remove(record.IterationsFile)(t, dir) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			c.harm(t, dir)
			r, err := inspection.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(r.Damaged, "\n")
			if (c.says == "") != (said == "") || !strings.Contains(said, c.says) || len(r.Damaged) > 2 {
				t.Errorf("%q, want %q", r.Damaged, c.says)
			}
			if said != "" && !strings.Contains(said, "metadata.yaml") || strings.Count(said, "it is written anew when the run is gone on with (--resume)") != len(r.Damaged) {
				t.Errorf("%q does not say where, and what to do", said)
			}
			reopen(t, dir)
			open(t, dir)
		})
	}
}

// While a process writes a run its metadata are those of an earlier moment.
func TestMetadataOfRunInWork(t *testing.T) {
	dir := recordedRun(t)
	run, _, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	metadata := filepath.Join(dir, record.RolloutsDir, record.MetadataFile)
	if err := os.Remove(metadata); err != nil {
		t.Fatal(err)
	}
	r, err := inspection.Open(dir)
	if err != nil || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], "is missing") { // that of iteration 1 is due
		t.Errorf("%q, %v", r.Damaged, err)
	}
	// The last report is there, the metadata with its recordings not yet.
	entries, err := run.Index()
	if err != nil {
		t.Fatal(err)
	}
	for n, says := range map[int]string{3: "", 2: "does not name 1 recordings"} {
		_, text := record.Bagged(entries[:n])
		if err := os.WriteFile(metadata, text, 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := inspection.Open(dir)
		if said := fmt.Sprint(r.Damaged); err != nil || (says == "") != (len(r.Damaged) == 0) || !strings.Contains(said, says) {
			t.Errorf("%d recordings are named: %q, %v", n, r.Damaged, err)
		}
	}
}

// TestIntermediatesOfRun has a run's intermediates damaged, or of another run.
func TestIntermediatesOfRun(t *testing.T) {
	whole := recordedRun(t, "intermediates.record=true")
	if r, text := open(t, whole); r.Run.Intermediates != 2 || !strings.Contains(text, "checkpoints    2; policies 0; intermediates 2") {
		t.Errorf("%d intermediates, want 2:\n%s", r.Run.Intermediates, text)
	}
	first := record.IntermediatesPath(1)
	change := func(path string, edit func(data []byte) []byte) error {
		data, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(path, edit(data), 0o666))
	}
	const advice = "; no run needs it: remove it, or make it again by gps replay"
	for name, c := range map[string]struct {
		harm func(dir string) error
		says []string // none for nothing
	}{
		"cut off": {func(dir string) error {
			return change(filepath.Join(dir, first), func(b []byte) []byte { return b[:len(b)/2] })
		}, []string{"iteration_0001.npz: zip: not a valid zip file", advice}},
		"a bit": {func(dir string) error {
			return change(filepath.Join(dir, first), func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
		}, []string{"iteration_0001.npz: ", "checksum error", advice}},
		"another file": {func(dir string) error {
			return change(filepath.Join(dir, first), func([]byte) []byte { return []byte("hello") })
		}, []string{"iteration_0001.npz", advice}},
		"a folder": {func(dir string) error {
			path := filepath.Join(dir, first)
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o777))
		}, []string{"iteration_0001.npz is d", "expected a file"}},
		"another run's": {func(dir string) error {
			return os.Rename(filepath.Join(dir, first), filepath.Join(dir, record.IntermediatesPath(9)))
		}, []string{"iteration_0009.npz: of iteration 9, and the run has done 2: it is of another run"}},
		"not reported yet": {func(dir string) error {
			return os.Rename(filepath.Join(dir, first), filepath.Join(dir, record.IntermediatesPath(3)))
		}, nil},
		"no folder": {func(dir string) error {
			path := filepath.Join(dir, record.IntermediatesDir)
			return errors.Join(os.RemoveAll(path), os.WriteFile(path, nil, 0o666))
		}, []string{"intermediates: not a directory"}},
		"too much to read": {func(dir string) error { // an archive may have anything before it
			return change(filepath.Join(dir, first), func(b []byte) []byte { return append(make([]byte, 64<<20), b...) })
		}, nil},
		"too much to read, cut off": {func(dir string) error {
			return change(filepath.Join(dir, first), func(b []byte) []byte { return append(make([]byte, 64<<20), b[:len(b)-1]...) })
		}, []string{"iteration_0001.npz: zip: not a valid zip file", advice}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := errors.Join(os.CopyFS(dir, os.DirFS(whole)), c.harm(dir)); err != nil {
				t.Fatal(err)
			}
			r, err := inspection.Open(dir)
			if err != nil || len(r.Damaged) != min(len(c.says), 1) {
				t.Fatalf("%q, %v", r.Damaged, err)
			}
			for _, s := range c.says {
				if !strings.Contains(r.Damaged[0], s) {
					t.Errorf("%q does not say %q", r.Damaged[0], s)
				}
			}
			if want := strings.HasPrefix(name, "too much"); (r.Run.Unread == 1) != (want && c.says == nil) {
				t.Errorf("%d are unread", r.Run.Unread)
			}
		})
	}
}
