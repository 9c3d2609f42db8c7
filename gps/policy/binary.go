package policy

import "fmt"

// MarshalBinary returns the payload of a policy file without names: what encoding/gob stores in
// checkpoints.
func (p *Network) MarshalBinary() ([]byte, error) {
	d, numbers, err := describe(p)
	if err != nil {
		return nil, err
	}
	return d.payload(numbers)
}

// UnmarshalBinary makes p the policy of MarshalBinary. Errors wrap ErrDamaged or are those of
// Validate, and leave p as it was.
func (p *Network) UnmarshalBinary(payload []byte) error {
	decoded, _, err := decodePolicy(payload)
	if err != nil {
		return err
	}
	network, ok := decoded.(*Network)
	if !ok {
		return fmt.Errorf("%w: a %T where a network was expected", ErrDamaged, decoded)
	}
	*p = *network
	return nil
}
