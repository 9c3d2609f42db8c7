package node_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/rcl"
)

// The list of all parameters is a parameter file that changes nothing, with a comment that
// describes each.
func TestWriteDefaults(t *testing.T) {
	var b bytes.Buffer
	if err := node.WriteDefaults(&b, node.DefaultName, node.SimulatorName); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "defaults.yaml")
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", file})
	if err != nil {
		t.Fatal(err)
	}
	given, _, err := node.Load(args)
	if err != nil {
		t.Fatal(err)
	}
	none, err := rcl.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	bare, _, err := node.Load(none)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range given.Set.Names() {
		if !given.Set.Value(name).Equal(bare.Set.Value(name)) {
			t.Errorf("%s is %v, its default is %v", name, given.Set.Value(name), bare.Set.Value(name))
		}
		d := given.Set.Describe(name)
		for _, text := range []string{strings.TrimSuffix(d.Description, "."), d.Unit} {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s: %q is not in the list", name, text)
			}
		}
	}
	if _, _, _, err := node.LoadFile(file, nil); err != nil {
		t.Error(err)
	}
	b.Reset()
	if err := node.WriteDefaults(&b, node.Names()...); err != nil || !strings.Contains(b.String(), "/trajectory_optimizer:") || !strings.Contains(b.String(), "lambda_factor: ") {
		t.Errorf("%v: %s", err, b.String())
	}
	if err := node.WriteDefaults(&b, "robot"); err == nil || !strings.Contains(err.Error(), node.SimulatorName) {
		t.Errorf("a node that is not there: %v", err)
	}
}
