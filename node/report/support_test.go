package report_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/report"
)

// trained has the folder of each run that a test asked for.
var trained struct {
	sync.Mutex
	dir  string
	runs map[string]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		panic(err)
	}
	trained.dir, trained.runs = dir, map[string]string{}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// train returns the folder of a run of a shipped task, which tests share and leave as it is.
func train(t testing.TB, name string, set ...string) string {
	t.Helper()
	trained.Lock()
	defer trained.Unlock()
	key := name
	for _, s := range set {
		key += " " + s
	}
	if dir, done := trained.runs[key]; done {
		return dir
	}
	dir := filepath.Join(trained.dir, filepath.Base(name)+string(rune('a'+len(trained.runs))))
	cfg, setup, simulated, err := node.LoadFile("../../params/"+name+".yaml", set)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RunFolder, cfg.Console = dir, "table"
	if _, err := node.Train(context.Background(), cfg, setup, simulated, io.Discard); err != nil {
		t.Fatal(err)
	}
	trained.runs[key] = dir
	return dir
}

// open reads a run that can be read.
func open(t testing.TB, dir string) *report.Run {
	t.Helper()
	r, err := report.Open(context.Background(), dir, report.DefaultLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write returns the page of a run as HTML.
func write(t testing.TB, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Make(open(t, dir)).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// copyRun returns a copy of a run's folder that a test may damage.
func copyRun(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// part returns the part of a page by its ID.
func part(t *testing.T, p *report.Page, id string) *report.Part {
	t.Helper()
	for _, q := range p.Parts {
		if q.ID == id {
			return q
		}
	}
	t.Fatalf("the page has no part %q", id)
	return nil
}

// everyFile returns the paths of all files below a folder, relative to it.
func everyFile(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
