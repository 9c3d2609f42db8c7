package algorithm

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"guidedpolicysearch/gps/nn"
)

// policyRecord is a Policy in a checkpoint.
type policyRecord struct {
	Config                     nn.Config
	InputScale, InputBias      []float64
	Weights, Biases            [][]float64
	Scale, Chol, First, Second []float64
	Steps                      uint64
}

// GobEncode implements gob.GobEncoder.
func (p *Policy) GobEncode() ([]byte, error) {
	r := policyRecord{Config: p.Network.Config(), Scale: p.Scale, Chol: p.Chol, First: p.Trainer.First, Second: p.Trainer.Second, Steps: p.Trainer.Steps}
	r.InputScale, r.InputBias = p.Network.Normalisation()
	for i := range p.Network.Layers() {
		weights, bias := p.Network.Layer(i)
		r.Weights, r.Biases = append(r.Weights, weights), append(r.Biases, bias)
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(&r)
	return b.Bytes(), err
}

// GobDecode implements gob.GobDecoder. Errors wrap ErrState.
func (p *Policy) GobDecode(data []byte) error {
	var r policyRecord
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&r); err != nil {
		return fmt.Errorf("%w: policy: %w", ErrState, err)
	}
	network, err := nn.New(r.Config)
	if err != nil {
		return fmt.Errorf("%w: policy: %w", ErrState, err)
	}
	in, out := network.Dims()
	if len(r.InputScale) != in || len(r.InputBias) != in || len(r.Scale) != out || len(r.Chol) != out*out || len(r.Weights) != network.Layers() || len(r.Biases) != network.Layers() {
		return fmt.Errorf("%w: the policy's parts do not fit its network %v", ErrState, r.Config.Sizes)
	}
	network.SetNormalisation(r.InputScale, r.InputBias)
	for i := range r.Weights {
		weights, bias := network.Layer(i)
		if len(r.Weights[i]) != len(weights) || len(r.Biases[i]) != len(bias) {
			return fmt.Errorf("%w: layer %d of the policy has %d weights and %d biases, need %d and %d", ErrState, i, len(r.Weights[i]), len(r.Biases[i]), len(weights), len(bias))
		}
		network.SetLayer(i, r.Weights[i], r.Biases[i])
	}
	if err := network.Validate(); err != nil {
		return fmt.Errorf("%w: policy: %w", ErrState, err)
	}
	*p = Policy{Network: network, Scale: r.Scale, Chol: r.Chol, Trainer: nn.State{Steps: r.Steps, First: r.First, Second: r.Second}}
	return nil
}
