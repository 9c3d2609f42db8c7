// Package nn evaluates and trains small feed-forward networks: policies of the kind that guided
// policy search trains (Levine, Finn, Darrell and Abbeel, "End-to-End Training of Deep
// Visuomotor Policies", JMLR 2016).
//
// # A network
//
//	x ──► scale, bias ──► W_1, b_1 ──► s ──► ... ──► W_n, b_n ──► y      s: ReLU or tanh
//
// The normalisation of the input belongs to the network but is not trained. Parameters are
// float32: half the memory, so that 26-64-64-7 stays in a first-level cache of 32 kB, and twice as
// many numbers in a vector. Inputs and outputs are float64.
//
// # Training
//
// Trainer minimises the supervised step of guided policy search (section 4.1 there): the squared
// difference between the network's and the controllers' mean action, weighted by the
// controllers' precision,
//
//	L = 1/(2N) sum_n w_n (y_n - a_n)' P_n (y_n - a_n)
//
// with Adam over shuffled mini-batches. Rollouts that are held out, whole ones since steps of one
// rollout resemble each other, say when to stop and which parameters to keep. A step that
// diverges leaves the network as it was.
//
// For a seed all bits are the same, on any number of workers and on every path of the kernels
// but plain (see gps/internal/kernel): batches are cut into blocks of fixed size, and gradients
// are summed in the blocks' order.
//
// # Convolution
//
// There is none. Vision layers (section 5.2 there) would stand between the normalisation and W_1:
// they turn an image into feature points, which join the other inputs. Their gradient is what
// the delta of the first layer, which the trainer does not compute today, times W_1 gives.
package nn
