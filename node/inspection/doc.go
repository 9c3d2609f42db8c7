// Package inspection tells what a file or folder of this program is, by its content, and describes it:
// a run, a checkpoint, a bag, a policy, an ONNX model, a parameter file, recorded intermediates.
//
// A run of ten thousand trials is described from the names of its files, the recordings' ends, the
// iterations' file, the bag's metadata, and as many checkpoints, policies and intermediates as take a
// fraction of a second: what was not read as a whole is said. A file that is named is read as a whole.
package inspection

import "errors"

var (
	// ErrForeign marks what is none of the things that this program makes or reads.
	ErrForeign = errors.New("inspection: nothing that this program knows")
	// ErrDamaged marks a file of a known kind that is not whole; the error says where.
	ErrDamaged = errors.New("inspection: damaged")
)

// Kind is what something is.
type Kind string

// The kinds that are known, and what is none of them.
const (
	KindUnknown       Kind = "unknown"
	KindRun           Kind = "run"
	KindTrajectory    Kind = "trajectory"
	KindCheckpoint    Kind = "checkpoint"
	KindBag           Kind = "bag"
	KindPolicy        Kind = "policy"
	KindModel         Kind = "onnx"
	KindParameters    Kind = "parameters"
	KindIntermediates Kind = "intermediates"
	KindDataset       Kind = "dataset"
)

// Report says what something is. One of the pointers is not nil, by Kind, where it could be read.
type Report struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Bytes is the size of the file, or of the files of a folder.
	Bytes         int64          `json:"bytes"`
	Run           *Run           `json:"run,omitempty"`
	Trajectory    *Trajectory    `json:"trajectory,omitempty"`
	Checkpoint    *Checkpoint    `json:"checkpoint,omitempty"`
	Bag           *Bag           `json:"bag,omitempty"`
	Policy        *Policy        `json:"policy,omitempty"`
	Model         *Model         `json:"onnx,omitempty"`
	Parameters    *Parameters    `json:"parameters,omitempty"`
	Intermediates *Intermediates `json:"intermediates,omitempty"`
	Dataset       *Dataset       `json:"dataset,omitempty"`
	// Damaged says what is not whole, and where; empty if all that was looked at is.
	Damaged []string `json:"damaged"`
	// Error says why there is no description of what is of no kind that is known, or cannot be read.
	Error string `json:"error,omitempty"`
}
