package nn

import (
	"guidedpolicysearch/gps/internal/kernel"
)

// chunk is how many pairs go through the network at a time: what that takes fits a second-level
// cache, and larger ones are not faster.
const chunk = 64

// maxBlocks bounds the parts that a batch is cut into, each with a gradient of its own.
const maxBlocks = 16

// blocks returns how many parts n pairs are cut into. That must not depend on anything else.
func blocks(n int) int { return min(max(n/chunk, 1), maxBlocks) }

// block is one part of a batch: what its loss and gradient take.
type block struct {
	gradient    []float32
	layers      []layer // of the gradient; none where only losses are wanted
	loss        float64 // sum over its pairs of w (y - a)' P (y - a)
	activations []kernel.Block32
	deltas      []kernel.Block32
	difference  []float32
}

func newBlock(n *Network, gradient bool) *block {
	b := new(block)
	if gradient {
		b.gradient = kernel.NewSlice32(len(n.parameters))
		b.layers = n.cfg.view(b.gradient)
	}
	for i, size := range n.cfg.Sizes {
		b.activations = append(b.activations, kernel.NewBlock32(size, chunk))
		if i > 0 {
			b.deltas = append(b.deltas, kernel.NewBlock32(size, chunk))
		}
	}
	_, out := n.Dims()
	b.difference = make([]float32, out)
	return b
}

// batch is the sum over some pairs, cut into blocks that crew.Task does.
type batch struct {
	network    *Network
	transposed []kernel.Block32 // weights of each layer but the first, in x out
	blocks     []*block

	// Of the sum under way.
	pairs    *pairs
	indices  []int
	gradient bool    // wanted, not the loss alone
	share    float32 // factor on the gradient
}

// newBatch returns the workspace for gradients of up to largest pairs and losses of up to all.
func newBatch(n *Network, largest, all int) *batch {
	b := &batch{network: n, transposed: make([]kernel.Block32, len(n.layers))}
	for i, l := range n.layers {
		if i > 0 {
			b.transposed[i] = kernel.NewBlock32(l.in, l.out)
		}
	}
	for i := range blocks(max(largest, all)) {
		b.blocks = append(b.blocks, newBlock(n, i < blocks(largest)))
	}
	return b
}

// transpose brings the transposed weights up to date.
func (b *batch) transpose() {
	for i, l := range b.network.layers {
		if i > 0 {
			kernel.Transpose32(b.transposed[i].Data, b.transposed[i].Stride, l.weights, l.out, l.in)
		}
	}
}

// Do implements crew.Task.
func (b *batch) Do(_, i int) {
	parts, n := blocks(len(b.indices)), len(b.indices)
	mine := b.indices[i*n/parts : (i+1)*n/parts]
	b.blocks[i].loss = 0
	for first := 0; first < len(mine); first += chunk {
		b.chunk(b.blocks[i], mine[first:min(first+chunk, len(mine))], first > 0)
	}
}

// chunk adds the loss of some pairs to a block's, and sets the gradient to theirs or, where more is
// set, adds it.
func (b *batch) chunk(k *block, indices []int, more bool) {
	layers, n := b.network.layers, len(indices)
	for i, j := range indices {
		copy(k.activations[0].Column(i, layers[0].in), b.pairs.x.Column(j, layers[0].in))
	}
	for i, l := range layers {
		bias := l.bias
		bias.Stride = 0 // the same for all pairs
		kernel.Add32(k.activations[i+1], bias, l.weights, k.activations[i].N(), l.out, n, l.in)
		if i < len(layers)-1 {
			b.network.cfg.Activation(i).apply(k.activations[i+1], l.out, n)
		}
	}
	y, delta, out := k.activations[len(layers)], k.deltas[len(layers)-1], len(k.difference)
	for i, j := range indices {
		k.loss += b.pairs.difference(delta.Column(i, out), y.Column(i, out), j, b.share, k.difference)
	}
	if b.gradient {
		b.backward(k, n, more)
	}
}

// one is a right operand that sums up.
var one = kernel.Right32{Data: []float32{1}}

// backward is back-propagation for the n pairs whose deltas of the output are there.
func (b *batch) backward(k *block, n int, more bool) {
	for i := len(b.network.layers) - 1; i >= 0; i-- {
		delta, input, l := k.deltas[i], k.activations[i], &k.layers[i]
		if more {
			kernel.Add32(l.weights, l.weights, delta, input.T(), l.out, l.in, n)
			kernel.Add32(l.bias, l.bias, delta, one, l.out, 1, n)
		} else {
			kernel.Set32(l.weights, delta, input.T(), l.out, l.in, n)
			kernel.Set32(l.bias, delta, one, l.out, 1, n)
		}
		if i > 0 {
			kernel.Set32(k.deltas[i-1], b.transposed[i], delta.N(), l.in, n, l.out)
			b.network.cfg.Activation(i-1).slope(k.deltas[i-1], input, l.in, n)
		}
	}
}

// result returns the loss sum over all blocks and leaves the gradient in the first one's.
func (b *batch) result() (loss float64) {
	for i, k := range b.blocks[:blocks(len(b.indices))] {
		loss += k.loss
		if i > 0 && b.gradient {
			sum := b.blocks[0].gradient
			for j, v := range k.gradient {
				sum[j] += v
			}
		}
	}
	return loss
}
