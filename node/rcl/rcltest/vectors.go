// Package rcltest reads the vectors of package rcl and of those built on it: verdicts of the
// real ROS 2 Humble on parameters, arguments, names and `ros2 param`.
package rcltest

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// files are the families of vectors.
var files = []string{"params.json", "args.json", "names.json", "param_cli.json"}

// Cases reads one family from RCL_VECTORS_DIR (relative to the repository, too), which may hold
// some of them only: then there are no cases. Else it reads from ../shared/vectors/rcl beside
// the repository, else from the compressed copy in node/rcl/testdata. What cannot be read ends
// the test.
func Cases[T any](t testing.TB, name string) []T {
	t.Helper()
	data, from, err := read(t, name)
	if err != nil {
		t.Fatal(err)
	}
	if data == nil {
		t.Logf("%s is not there", from)
		return nil
	}
	var file struct{ Cases []T }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", from, err)
	}
	if len(file.Cases) == 0 {
		t.Fatalf("%s: no cases", from)
	}
	t.Logf("%d cases of %s", len(file.Cases), from)
	return file.Cases
}

func read(t testing.TB, name string) (data []byte, from string, err error) {
	root := repository(t)
	if dir := os.Getenv("RCL_VECTORS_DIR"); dir != "" {
		if _, err := os.Stat(dir); err != nil && !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
		return readFrom(dir, name)
	}
	from = filepath.Join(root, "..", "shared", "vectors", "rcl", name)
	if data, err = os.ReadFile(from); err == nil {
		return data, from, nil
	}
	from = filepath.Join(root, "node", "rcl", "testdata", name+".gz")
	f, err := os.Open(from)
	if err != nil {
		return nil, from, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, from, err
	}
	data, err = io.ReadAll(z)
	return data, from, err
}

// readFrom gives no data where the folder lacks the file but has another family.
func readFrom(dir, name string) (data []byte, from string, err error) {
	from = filepath.Join(dir, name)
	if data, err = os.ReadFile(from); !errors.Is(err, os.ErrNotExist) {
		return data, from, err
	}
	for _, other := range files {
		if _, e := os.Stat(filepath.Join(dir, other)); e == nil {
			return nil, from, nil
		}
	}
	return nil, from, err
}

// repository is the folder with go.mod, at or above the working folder.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working folder")
		}
		dir = parent
	}
}
