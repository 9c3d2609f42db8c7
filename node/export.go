package node

import (
	"errors"
	"os"
	"path/filepath"

	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/policyfile"
)

// Exported says what a policy was exported as.
type Exported struct {
	// Policy is the path that it was read from, File the model's.
	Policy string `json:"policy"`
	File   string `json:"file"`
	Bytes  int    `json:"bytes"`
	// Opset is the ONNX operator set.
	Opset int `json:"opset"`
	// Observations and Actions name the numbers of the model's input and output.
	Observations []string `json:"observations"`
	Actions      []string `json:"actions"`
	// Step is the time from one action to the next, in s.
	Step float64 `json:"time_step"`
}

// ExportPolicy writes a policy, that of a run folder or a policy file, as an ONNX model to a path,
// whole or not at all. Errors are those of policy.Load, policyfile.Export and the file system.
func ExportPolicy(from, to string) (*Exported, error) {
	path, _, err := findPolicy(from)
	if err != nil {
		return nil, err
	}
	f, err := policy.Load(path)
	if err != nil {
		return nil, err
	}
	data, err := policyfile.Export(f)
	if err != nil {
		return nil, err
	}
	if err := replaceFile(to, data); err != nil {
		return nil, err
	}
	return &Exported{Policy: path, File: to, Bytes: len(data), Opset: policyfile.Opset, Observations: f.ObservationNames, Actions: f.ActionNames, Step: f.Step}, nil
}

// replaceFile makes a file appear whole, in place of one of its name.
func replaceFile(path string, data []byte) (err error) {
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err = errors.Join(err, out.Chmod(0o644), out.Sync(), out.Close()); err == nil {
		err = os.Rename(out.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}
