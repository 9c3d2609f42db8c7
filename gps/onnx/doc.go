// Package onnx writes feed-forward policies as ONNX models, and reads those that were made
// elsewhere (Open Neural Network Exchange: onnx.ai, "Open Neural Network Exchange Intermediate
// Representation Specification" and "ONNX Operators").
//
// # What Encode writes
//
// One graph of operator set 13 (IR version 8), all in float32:
//
//	observation [batch, dO] -> Mul, Add (normalisation) -> Gemm, Relu or Tanh, ..., Gemm -> action [batch, dU]
//
// Each hidden layer may have an activation of its own.
//
// Names of the observation's and the action's numbers are in metadata_props, as JSON arrays of
// strings, under the keys observation_names and action_names.
//
// # What Decode reads
//
// One chain of operators from one input to one output, operator sets 7 to 24, with any number
// of rows (the batch): Gemm (transA = 0), MatMul, Add, Sub, Mul and Div by constants, Relu, Tanh,
// Sigmoid and Clip after any layer, the last too, BatchNormalization as it is after training, and Identity, Flatten, Cast, Reshape, Squeeze and Unsqueeze where they change no number and no row.
// Constants are initializers and Constant nodes of float32, float64 or float16, also through
// Identity, Cast and Transpose. What is affine is folded: before the first matrix into the
// network's normalisation, elsewhere into the layer before or after. Sigmoid becomes a layer of tanh, a
// bound of Clip one of ReLU, and what follows the last activation a layer without one. Everything else
// is refused by name, so that no policy runs that is not the one in the file.
package onnx

import "errors"

// The errors of this package; what is returned wraps one of them and says where and why.
var (
	// ErrMalformed marks bytes that are no valid ONNX model: truncated, with sizes that do not fit
	// their numbers, or a graph that refers to what is not there.
	ErrMalformed = errors.New("onnx: not a valid model")
	// ErrUnsupported marks a model that may be valid but is no feed-forward policy of the set
	// above.
	ErrUnsupported = errors.New("onnx: not a policy that can be read")
	// ErrNotFinite marks a weight, or what is computed of weights, that is NaN, infinite or too
	// large for float32.
	ErrNotFinite = errors.New("onnx: a number is not finite")
	// ErrMeta marks names or properties that do not fit the network.
	ErrMeta = errors.New("onnx: description does not fit the network")
)

// The versions that Encode writes, and those of the operator set that Decode reads: before 7
// broadcasting was another, after 24 operators may have changed.
const (
	irVersion    = 8
	opset        = 13
	oldestOpset  = 7
	newestOpset  = 24
	axesAreInput = 13 // the operator set from which Squeeze and Unsqueeze take axes as an input

	boundsAreInputs = 11 // the operator set from which Clip takes its bounds as inputs
)

// Limits of Decode: of nodes, of the sizes of layers (those of nn.Config), and of the numbers
// that folding touches. A file of a few bytes could ask for any number of each otherwise.
const (
	maxNodes = 1 << 14
	maxWidth = 4096
	maxWork  = 1 << 26
)
