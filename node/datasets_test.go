package node_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"guidedpolicysearch/internal/pythontest"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/dataset"
	"guidedpolicysearch/node/record"
)

// exported writes the rollouts of a run and returns the path.
func exported(t *testing.T, run, name string, s dataset.Selection) (string, *dataset.Summary) {
	t.Helper()
	dest, last := filepath.Join(t.TempDir(), name), 0
	summary, err := node.ExportRollouts(t.Context(), run, s, dest, func(done, total int) {
		if done != last+1 || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != summary.Trials {
		t.Errorf("progress ended at %d of %d", last, summary.Trials)
	}
	return dest, summary
}

// rows reads a CSV file with encoding/csv, as columns by name.
func rows(t *testing.T, path string) (columns map[string][]string, count int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns = map[string][]string{}
	for i, name := range all[0] {
		for _, row := range all[1:] {
			columns[name] = append(columns[name], row[i])
		}
	}
	return columns, len(all) - 1
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The numbers of a dataset are those of the recordings, and their costs those that the run reported.
func TestExportRollouts(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	result, _, err := train(t, t.Context(), folder, "iterations=2", "samples=3", "conditions.initial_position=[2.3, 1.5, 1.5, 0.0]")
	if err != nil {
		t.Fatal(err)
	}
	path, summary := exported(t, folder, "all.csv", dataset.Selection{})
	table, count := rows(t, path)
	if summary.Trials != 12 || summary.Rows != 12*21 || count != 12*21 || !summary.Costs {
		t.Fatalf("%+v, %d rows", summary, count)
	}
	view, err := record.View(folder)
	if err != nil {
		t.Fatal(err)
	}
	row := 0
	for k := 1; k <= 2; k++ {
		paths, err := view.Rollouts(uint32(k))
		if err != nil {
			t.Fatal(err)
		}
		for n, path := range paths {
			r, err := view.ReadRollout(path)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for step := range 21 {
				same := func(name string, want float64) {
					t.Helper()
					if got := number(t, table[name][row]); got != want {
						t.Fatalf("%s in row %d is %v, want %v", name, row, got, want)
					}
				}
				same("iteration", float64(k))
				same("condition", float64(r.Condition))
				same("sample", float64(r.Sample))
				same("step", float64(step))
				same("noise_seed", float64(r.NoiseSeed))
				if got := table["noise_seed"][row]; got != fmt.Sprint(r.NoiseSeed) {
					t.Fatalf("noise_seed is %s, want %d", got, r.NoiseSeed)
				}
				same("joint2.velocity", r.States[step*int(r.Dx)+3])
				same("x0.joint2.position", r.States[1])
				same("stamp_ns", float64(int64(r.Stamps[step].Sec)*1e9+int64(r.Stamps[step].Nanosec)))
				if at := number(t, table["time"][row]); math.Abs(at-0.05*float64(step)) > 1e-6 {
					t.Fatalf("time of step %d is %v", step, at)
				}
				if step < 20 {
					same("action.joint2", r.Actions[step*2+1])
					same("commanded.joint1", r.Commanded[step*2])
					sum += number(t, table["cost"][row])
				} else if table["action.joint1"][row]+table["commanded.joint2"][row]+table["cost"][row] != "" {
					t.Fatalf("the last state has an action or a cost: row %d", row)
				}
				row++
			}
			want := result.Reports[k-1].SampleCosts[n]
			if got := number(t, table["trial_cost"][row-1]); math.Abs(got-want) > 1e-9*want || math.Abs(sum-want) > 1e-9*want {
				t.Errorf("cost of trial %d of iteration %d is %v, its steps' %v, reported %v", n, k, got, sum, want)
			}
		}
	}
	legend, _ := rows(t, strings.TrimSuffix(path, ".csv")+".columns.csv")
	units := map[string]string{}
	for i, name := range legend["name"] {
		units[name] = legend["unit"][i]
	}
	for name, want := range map[string]string{"joint1.position": "rad", "joint2.velocity": "rad/s", "end_effector.x": "m", "action.joint1": "N m", "time": "s", "iteration": ""} {
		if got, ok := units[name]; !ok || got != want {
			t.Errorf("unit of %s is %q, want %q", name, got, want)
		}
	}
	t.Run("folder", func(t *testing.T) {
		dir, _ := exported(t, folder, "tables", dataset.Selection{})
		steps, n := rows(t, filepath.Join(dir, "steps.csv"))
		if n != count || !slices.Equal(steps["joint1.position"], table["joint1.position"]) || !slices.Equal(steps["action.joint2"], table["action.joint2"]) {
			t.Errorf("steps.csv has %d rows, or other ones", n)
		}
		trials, n := rows(t, filepath.Join(dir, "trials.csv"))
		if n != 12 || trials["trial_cost"][5] != table["trial_cost"][5*21] || trials["file"][5] != "rollouts/iteration_001/condition_1_sample_2.mcap" {
			t.Errorf("%d trials: %v", n, trials["file"])
		}
		if _, n := rows(t, filepath.Join(dir, "columns.csv")); n != 35 {
			t.Errorf("%d columns", n)
		}
	})
	t.Run("selection", func(t *testing.T) {
		path, summary := exported(t, folder, "some.csv", dataset.Selection{Iterations: []int{2}, Conditions: []int{1}})
		some, _ := rows(t, path)
		if summary.Trials != 3 || slices.Contains(some["iteration"], "1") || slices.Contains(some["condition"], "0") {
			t.Errorf("%+v", summary)
		}
	})
	t.Run("parquet", func(t *testing.T) { checkParquet(t, folder, table, count) })
	t.Run("hyparquet", func(t *testing.T) { checkOtherReader(t, folder, table, count) })
	t.Run("npz", func(t *testing.T) { checkNPZ(t, folder, path) })
}

func checkParquet(t *testing.T, folder string, want map[string][]string, count int) {
	path, _ := exported(t, folder, "all.parquet", dataset.Selection{})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := p.Lookup("columns"); !ok || !strings.Contains(text, `{"name":"joint1.position","type":"float64","unit":"rad"`) {
		t.Errorf("columns in the metadata: %q", text)
	}
	names := p.Schema().Columns()
	if len(names) != len(want) || names[0][0] != "iteration" {
		t.Fatalf("%d columns, want %d: %v", len(names), len(want), names)
	}
	row := 0
	for _, group := range p.RowGroups() {
		r := group.Rows()
		buffer := make([]parquet.Row, 10)
		for {
			n, err := r.ReadRows(buffer)
			for _, values := range buffer[:n] {
				for i, v := range values {
					text := want[names[i][0]][row]
					switch {
					case v.IsNull():
						if text != "" {
							t.Fatalf("row %d: %s is missing, want %s", row, names[i], text)
						}
					case v.Kind() == parquet.Double:
						if v.Double() != number(t, text) {
							t.Fatalf("row %d: %s is %v, want %s", row, names[i], v, text)
						}
					case v.Kind() == parquet.Int64 && names[i][0] == "noise_seed":
						if fmt.Sprint(v.Uint64()) != text {
							t.Fatalf("row %d: %s is %v, want %s", row, names[i], v, text)
						}
					default:
						if v.String() != text {
							t.Fatalf("row %d: %s is %v, want %s", row, names[i], v, text)
						}
					}
				}
				row++
			}
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if row != count {
		t.Errorf("%d rows, want %d", row, count)
	}
}

// parquetReader is where scripts/install_parquet_reader.sh puts another reader of Parquet.
const parquetReader = "../.build/hyparquet"

// checkOtherReader reads the Parquet file with another library than the one that wrote it.
func checkOtherReader(t *testing.T, folder string, want map[string][]string, count int) {
	interpreter, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(parquetReader, "node_modules/hyparquet"))
	}
	if err != nil {
		t.Skipf("needs a reader of Parquet: install node and npm, and run scripts/install_parquet_reader.sh (%v)", err)
	}
	path, _ := exported(t, folder, "all.parquet", dataset.Selection{})
	out, err := exec.Command(interpreter, "dataset/testdata/hyparquet/read.mjs", parquetReader, path).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if !strings.Contains(lines[0], `\"name\":\"joint1.position\"`) || len(lines) != count+1 {
		t.Fatalf("%d rows, want %d; columns: %.100s", len(lines)-1, count, lines[0])
	}
	for i, line := range lines[1:] {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if len(row) != len(want) {
			t.Fatalf("row %d has %d columns, want %d", i, len(row), len(want))
		}
		for name, v := range row {
			text := want[name][i]
			x, isNumber := v.(float64)
			if same := v == nil && text == "" || isNumber && text != "" && x == number(t, text) || v == text && text != ""; !same {
				t.Fatalf("row %d: %s is %v, want %s", i, name, v, text)
			}
		}
	}
}

// checkNPZ lets NumPy compare the arrays with the table.
func checkNPZ(t *testing.T, folder, table string) {
	python := pythontest.With(t, "numpy")
	path, _ := exported(t, folder, "all.npz", dataset.Selection{})
	out, err := exec.Command(python, "-c", `
import csv, sys, numpy as np
rows = list(csv.DictReader(open(sys.argv[2])))
with np.load(sys.argv[1]) as z:
    x, u = z["states"], z["actions"]
    N, T = u.shape[:2]
    get = lambda name, N, T: np.array([float(r[name]) if r[name] else np.nan for r in rows]).reshape(N, T)
    for i, name in enumerate(z["state_names"]):
        assert (get(name, N, T + 1) == x[:, :, i]).all(), name
        assert (z["x0"][:, i] == x[:, 0, i]).all(), name
    for i, name in enumerate(z["action_names"]):
        assert (get("action." + name, N, T + 1)[:, :T] == u[:, :, i]).all(), name
        assert (get("commanded." + name, N, T + 1)[:, :T] == z["commanded"][:, :, i]).all(), name
    assert (get("cost", N, T + 1)[:, :T] == z["costs"]).all()
    assert (get("trial_cost", N, T + 1)[:, 0] == z["cost"]).all()
    assert [int(r["stamp_ns"]) for r in rows] == z["stamps_ns"].ravel().tolist()
    for name in ("iteration", "condition", "sample", "noise_seed", "driver"):
        assert [r[name] for r in rows[::T + 1]] == [str(v) for v in z[name]], name
    print(x.shape, u.shape, z["noise_seed"].dtype, z["state_units"].tolist(), z["action_units"].tolist())
`, path, table).CombinedOutput()
	want := "(12, 21, 7) (12, 20, 2) uint64 ['rad', 'rad', 'rad/s', 'rad/s', 'm', 'm', 'm'] ['N m', 'N m']\n"
	if err != nil || string(out) != want {
		t.Errorf("numpy says %v\n%s\nwant\n%s", err, out, want)
	}
}

func TestExportRolloutsRefuses(t *testing.T) {
	run := recordedRun(t)
	none := func(int, int) {}
	for _, c := range []struct {
		name, dest string
		dataset.Selection
		is error
	}{
		{"format", "x.xlsx", dataset.Selection{}, dataset.ErrFormat},
		{"iteration", "x.csv", dataset.Selection{Iterations: []int{9}}, dataset.ErrEmpty},
		{"condition", "x.npz", dataset.Selection{Conditions: []int{1}}, dataset.ErrEmpty},
	} {
		dir := t.TempDir()
		if _, err := node.ExportRollouts(t.Context(), run, c.Selection, filepath.Join(dir, c.dest), none); !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", c.name, err, c.is)
		}
		empty(t, dir)
	}
	if _, err := node.ExportRollouts(t.Context(), t.TempDir(), dataset.Selection{}, "x.csv", none); !errors.Is(err, record.ErrNotRun) {
		t.Errorf("no run: %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := node.ExportRollouts(t.Context(), run, dataset.Selection{}, full, none); !errors.Is(err, dataset.ErrExists) {
		t.Errorf("a folder in the way: %v", err)
	}
	// Damage and interruption leave nothing behind, in any format.
	for _, name := range []string{"x.csv", "x.parquet", "x.npz", "x"} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := node.ExportRollouts(ctx, run, dataset.Selection{}, filepath.Join(dir, name), func(done, _ int) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, interrupted: %v", name, err)
		}
		empty(t, dir)
	}
	if err := flip(filepath.Join(run, record.TrialPath(3, 0, 2))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.csv", "x.parquet", "x.npz", "x"} {
		dir := t.TempDir()
		if _, err := node.ExportRollouts(t.Context(), run, dataset.Selection{}, filepath.Join(dir, name), none); !errors.Is(err, record.ErrDamaged) || !strings.Contains(err.Error(), "condition_0_sample_2.mcap") {
			t.Errorf("%s, damaged: %v", name, err)
		}
		empty(t, dir)
	}
}

// empty fails unless a folder is.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("%v, %v is left behind", err, entries)
	}
}

// Without parameters the costs are not known.
func TestExportRolloutsWithoutTask(t *testing.T) {
	run := recordedRun(t)
	if err := os.Remove(filepath.Join(run, record.ParamsFile)); err != nil {
		t.Fatal(err)
	}
	path, summary := exported(t, run, "x.csv", dataset.Selection{})
	table, _ := rows(t, path)
	if summary.Costs || slices.ContainsFunc(table["trial_cost"], func(s string) bool { return s != "" }) || slices.ContainsFunc(table["cost"], func(s string) bool { return s != "" }) {
		t.Errorf("costs without a task: %+v", summary)
	}
	exported(t, run, "x.npz", dataset.Selection{})
	exported(t, run, "x.parquet", dataset.Selection{})
}
