package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/record"
)

func TestUnits(t *testing.T) {
	n := Names{States: []string{"shoulder.position", "rail.position", "rail.velocity", "shoulder.velocity", "a.b.velocity", "rail.torque.previous1", "shoulder.torque.previous1",
		"end_effector.x", "end_effector2.z.velocity", "camera/features.3", "nobody.position"}, Joints: []string{"shoulder", "rail", "a.b"}, Prismatic: []string{"rail"}}
	want := []string{"rad", "m", "m/s", "rad/s", "rad/s", "N", "N m", "m", "m/s", "", ""}
	if got := n.stateUnits(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := n.actionUnits(); !slices.Equal(got, []string{"N m", "N", "N m"}) {
		t.Errorf("%q", got)
	}
}

// Texts come back as they are, whatever is in them.
func TestCSVTexts(t *testing.T) {
	texts := []string{"plain", "with, comma", `with "quotes"`, "two\nlines", "", " blank", "größer"}
	var b bytes.Buffer
	table, err := newCSVTable(&b, []Column{{Name: "n", Kind: Int}, {Name: "a, name", Kind: Text}})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if err := table.write([]Value{{Int: int64(i)}, {Text: text}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.close(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != len(texts)+1 || rows[0][1] != "a, name" {
		t.Fatalf("%v: %q", err, rows)
	}
	for i, text := range texts {
		if rows[i+1][1] != text || rows[i+1][0] != fmt.Sprint(i) {
			t.Errorf("%q came back as %q", text, rows[i+1])
		}
	}
}

func TestParquetNames(t *testing.T) {
	for _, name := range []string{"", "-", "a,b", "a\"b", "a`b", "a\nb", `a\b`} {
		if _, err := newParquetTable(new(bytes.Buffer), []Column{{Name: name, Kind: Float}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, want an ErrFormat", name, err)
		}
	}
}

// write records trials of so many steps each, one per iteration, and returns their folder.
func write(t testing.TB, names []string, steps ...int) *record.Folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	run, err := record.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	for i, T := range steps {
		trial := record.NewTrial(record.Topics{JointStates: record.Topic{Name: "/joint_states"}, Commands: record.Topic{Name: "/commands"}, Rollout: record.Topic{Name: "/rollout"}}, 1, 1)
		trial.Rollout = guided_policy_search_msgs.Rollout{Iteration: uint32(i + 1), Steps: uint32(T), Dx: 1, Du: 1, Dt: 0.1, JointNames: []string{"a"}, StateNames: []string{names[i%len(names)]},
			States: make([]float64, T+1), Actions: make([]float64, T)}
		for k := range trial.Rollout.States {
			trial.Rollout.States[k] = float64(100*i + k)
		}
		if _, err := run.WriteTrial(trial); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := record.View(dir)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// Trials of different lengths make a table but no array; of different robots, neither.
func TestMixedTrials(t *testing.T) {
	none := func(int, int) {}
	lengths, robots := write(t, []string{"a.position"}, 3, 5), write(t, []string{"a.position", "b.position"}, 3, 3)
	for _, c := range []struct {
		folder *record.Folder
		name   string
		is     error
	}{
		{lengths, "x.npz", ErrMixed}, {lengths, "x.csv", nil}, {lengths, "x.parquet", nil}, {lengths, "x", nil},
		{robots, "x.npz", ErrMixed}, {robots, "x.csv", ErrMixed}, {robots, "x.parquet", ErrMixed}, {robots, "x", ErrMixed},
	} {
		dest := filepath.Join(t.TempDir(), c.name)
		s, err := Export(t.Context(), Source{Folder: c.folder}, Selection{}, dest, none)
		if !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", c.name, err, c.is)
		}
		if err == nil && (s.Rows != 4+6 || s.Costs) {
			t.Errorf("%s: %+v", c.name, s)
		}
		if _, err := os.Stat(dest); c.is != nil && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something is left behind: %v", c.name, err)
		}
	}
}

// Iterations beyond 999 have longer names, which sort otherwise.
func TestOrder(t *testing.T) {
	folder := write(t, []string{"a.position"}, 1)
	data, err := os.ReadFile(folder.Path(record.TrialPath(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []uint32{2, 999, 1000, 1001} {
		path := folder.Path(record.TrialPath(k, 0, 0))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, data, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Selection{}.list(folder)
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	for _, r := range list {
		order = append(order, r.iteration)
	}
	if !slices.Equal(order, []int{1, 2, 999, 1000, 1001}) {
		t.Errorf("order %v", order)
	}
}
