package node_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/policyfile"
	"guidedpolicysearch/node/record"
)

// An exported policy does what the policy does, up to the rounding of its normalisation.
func TestExportedPolicy(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "algorithm.type=mdgps", "policy.observation=[joint2.position,joint1.position,joint1.velocity,joint2.velocity]"); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(t.TempDir(), "policy.onnx")
	e, err := node.ExportPolicy(folder, model)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(model); err != nil || int(info.Size()) != e.Bytes || e.Opset != policyfile.Opset || e.Observations[0] != "joint2.position" || !slices.Equal(e.Actions, []string{"joint1", "joint2"}) || e.Step != 0.05 {
		t.Errorf("%v, %+v", err, e)
	}
	box := []string{"conditions.test_lower=[0.5,0.0]", "conditions.test_upper=[2.5,1.5]"}
	own := evaluate(t, folder, "", usual, box...)
	theirs := evaluate(t, model, planarArm, usual, slices.Concat(short, box)...)
	if len(theirs.Rows) != 4 || theirs.Algorithm != "mdgps" {
		t.Errorf("%+v", theirs)
	}
	for i, row := range theirs.Rows {
		if want := *own.Rows[i].Cost; math.Abs(*row.Cost-want) > 1e-4*want || own.Rows[i].Fault != "" {
			t.Errorf("start %d: the exported policy costs %v, the policy %v", i, *row.Cost, want)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(model))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v: %v beside the model", err, entries)
	}
}

func TestExportRefuses(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	if _, _, err := train(t, t.Context(), folder, "iterations=1"); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "policy.onnx")
	if _, err := node.ExportPolicy(folder, to); !errors.Is(err, policyfile.ErrExport) {
		t.Errorf("controllers: %v", err)
	}
	if _, err := node.ExportPolicy(filepath.Join(folder, record.LogFile), to); err == nil {
		t.Error("a log was exported")
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a model is there: %v", err)
	}
}
