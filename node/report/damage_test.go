package report_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/report"
)

// flip changes the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0x41
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDamaged(t *testing.T) {
	whole := train(t, "mdgps_arm2", "iterations=3", "samples=3")
	trial := record.TrialPath(2, 0, 1)
	for name, c := range map[string]struct {
		damage  func(t *testing.T, dir string)
		place   string // of the problem; "" for none
		missing string // part that says why it is not there, or not whole
		shown   []string
	}{
		"checkpoint": {func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "checkpoints", checkpoint.Name(3))) }, "checkpoints/" + checkpoint.Name(3), "clusters", []string{"learning", "gains", "policy"}},
		"trial":      {func(t *testing.T, dir string) { flip(t, filepath.Join(dir, trial)) }, trial, "", []string{"learning", "joints", "dynamics"}},
		"report": {func(t *testing.T, dir string) {
			data, _ := os.ReadFile(filepath.Join(dir, "iterations.jsonl"))
			os.WriteFile(filepath.Join(dir, "iterations.jsonl"), data[:len(data)-40], 0o644)
		}, "iterations.jsonl:3", "", []string{"learning", "gains"}},
		"a report lost": {func(t *testing.T, dir string) {
			data, _ := os.ReadFile(filepath.Join(dir, "iterations.jsonl"))
			lines := bytes.SplitAfter(data, []byte("\n"))
			os.WriteFile(filepath.Join(dir, "iterations.jsonl"), slices.Concat(lines[0], lines[2]), 0o644)
		}, "iterations.jsonl:2", "", []string{"learning", "gains", "joints"}},
		"parameters":     {func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "params.yaml")) }, "", "", []string{"learning", "joints", "gains"}},
		"no parameters":  {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "params.yaml")) }, "params.yaml", "paths", []string{"learning", "joints", "gains", "dynamics"}},
		"no checkpoints": {func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "checkpoints")) }, "", "gains", []string{"learning", "joints", "torques"}},
		"no trials": {func(t *testing.T, dir string) {
			os.RemoveAll(filepath.Join(dir, "rollouts"))
			os.Mkdir(filepath.Join(dir, "rollouts"), 0o755)
		}, "", "joints", []string{"learning", "gains", "clusters"}},
		"no reports": {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "iterations.jsonl")) }, "", "learning", []string{"joints", "gains", "policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyRun(t, whole)
			c.damage(t, dir)
			r := open(t, dir)
			page := write(t, dir)
			check(t, page)
			found := c.place == ""
			for _, p := range r.Problems {
				found = found || p.Place == c.place && strings.Contains(string(page), p.Place)
				if strings.Contains(p.Text, dir) {
					t.Errorf("the problem names a place on this machine: %s", p.Text)
				}
			}
			if !found {
				t.Errorf("no problem at %s on the page: %v", c.place, r.Problems)
			}
			p := report.Make(r)
			if c.missing != "" && part(t, p, c.missing).Missing == "" {
				t.Errorf("part %s does not say why it is not there", c.missing)
			}
			for _, id := range c.shown {
				if len(part(t, p, id).Shown) == 0 {
					t.Errorf("part %s has no picture: %s", id, part(t, p, id).Missing)
				}
			}
		})
	}
}

// Whatever happens to the files of a run, there is a page, or an error that says that it is no run.
func TestRandomDamage(t *testing.T) {
	whole := train(t, "pilqr_door", "iterations=2")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		dir := copyRun(t, whole)
		paths := everyFile(t, dir)
		for range 1 + rng.IntN(4) {
			path := filepath.Join(dir, paths[rng.IntN(len(paths))])
			data, err := os.ReadFile(path)
			if err != nil || len(data) == 0 {
				continue // removed before
			}
			switch rng.IntN(4) {
			case 0:
				err = os.Remove(path)
			case 1:
				err = os.WriteFile(path, data[:rng.IntN(len(data))], 0o644)
			case 2:
				data[rng.IntN(len(data))] ^= byte(1 << rng.IntN(8))
				err = os.WriteFile(path, data, 0o644)
			case 3:
				other, _ := os.ReadFile(filepath.Join(dir, paths[rng.IntN(len(paths))]))
				err = os.WriteFile(path, other, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r, err := report.Open(context.Background(), dir, report.DefaultLimits(), nil)
		if errors.Is(err, record.ErrNotRun) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := report.Make(r).Write(&b); err != nil {
			t.Fatal(err)
		}
		check(t, b.Bytes())
	}
}

// A checkpoint of another run is whole, but not of these sizes.
func TestForeignCheckpoint(t *testing.T) {
	dir := copyRun(t, train(t, "planar_arm", "iterations=4"))
	other := train(t, "mdgps_arm2", "iterations=3", "samples=3")
	data, err := os.ReadFile(filepath.Join(other, "checkpoints", checkpoint.Name(2)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "checkpoints", checkpoint.Name(2)), data, 0o644); err != nil {
		t.Fatal(err)
	}
	page := write(t, dir)
	check(t, page)
	if r := open(t, dir); len(r.Problems) == 0 || !bytes.Contains(page, []byte("checkpoints/"+checkpoint.Name(2))) {
		t.Errorf("problems are %v, want one of the checkpoint", r.Problems)
	}
}

func TestNotARun(t *testing.T) {
	empty := t.TempDir()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "rollouts"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{empty, folder, filepath.Join(empty, "none")} {
		if _, err := report.Open(context.Background(), dir, report.DefaultLimits(), nil); !errors.Is(err, record.ErrNotRun) {
			t.Errorf("%s: error is %v, want %v", dir, err, record.ErrNotRun)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := report.Open(ctx, train(t, "planar_arm", "iterations=4"), report.DefaultLimits(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}

// A trial that was broken off is listed, and is none of the whole ones.
func TestBroken(t *testing.T) {
	dir := copyRun(t, train(t, "planar_arm", "iterations=4"))
	data, err := os.ReadFile(filepath.Join(dir, record.TrialPath(2, 0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, record.BrokenPath(2, 0, 1)), data, 0o644); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	if len(r.Broken) != 1 || r.Broken[0].Iteration != 2 || len(r.Snapshots[1].Trials[0]) != 5 {
		t.Fatalf("%d broken trials beside %d whole ones, want 1 and 5", len(r.Broken), len(r.Snapshots[1].Trials[0]))
	}
	if p := part(t, report.Make(r), "faults"); len(p.Tables) == 0 || p.Tables[0].Rows[0][0] != "2" {
		t.Errorf("faults are %+v, want one in iteration 2", p.Tables)
	}
}
