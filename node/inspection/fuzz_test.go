package inspection_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"guidedpolicysearch/node/inspection"
	"guidedpolicysearch/node/record"
)

// FuzzOpen describes files of any content: it never panics, and its errors say which kind they are.
func FuzzOpen(f *testing.F) {
	folder := recordedRun(f, "algorithm.type=mdgps")
	for _, name := range []string{record.PolicyFile, record.TrialPath(1, 0, 0), record.ParamsFile, "rollouts/metadata.yaml", record.IterationsFile} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 20_000)])
	}
	f.Add([]byte("GPSCHECKPOINT 1 3 00\nabc"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\x08\x07\x12\x01x:\x0d\n\x0b\n\x01a\x12\x01b\"\x03Abs\x42\x04\n\x00\x10\x0d")) // a model of one node
	f.Add([]byte("rosbag2_bagfile_information:\n  relative_file_paths: [../x, a.mcap]\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(path string) {
			r, err := inspection.Open(path)
			if err != nil && !errors.Is(err, inspection.ErrDamaged) && !errors.Is(err, inspection.ErrForeign) {
				t.Errorf("%v is of no kind", err)
			}
			if r != nil {
				if err := r.Write(io.Discard); err != nil {
					t.Error(err)
				}
			}
		}
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		check(path)
		for _, in := range []string{filepath.Join(dir, "run", record.IterationsFile), filepath.Join(dir, "run", record.ParamsFile), filepath.Join(dir, "bag", record.MetadataFile)} {
			if err := errors.Join(os.MkdirAll(filepath.Dir(in), 0o700), os.MkdirAll(filepath.Join(dir, "run", record.RolloutsDir), 0o700), os.WriteFile(in, bytes.Clone(data), 0o600)); err != nil {
				t.Fatal(err)
			}
			check(filepath.Dir(in))
		}
	})
}
