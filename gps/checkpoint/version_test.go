package checkpoint_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
)

// kept is what testdata/version_1.gps holds.
func kept(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	c := learned(t)
	for i, p := range []**policy.Network{&c.State.Policy, &c.State.Before} {
		net, err := nn.New(nn.Config{Sizes: []int{1, 3, 1}, Hidden: nn.Tanh})
		if err != nil {
			t.Fatal(err)
		}
		for layer := range 2 {
			weights, bias := net.Layer(layer)
			for j := range weights {
				weights[j] = 1/float64(j+3) - 0.25*float64(i+layer)
			}
			for j := range bias {
				bias[j] = math.Sqrt(float64(j+2)) - float64(i)
			}
			net.SetLayer(layer, weights, bias)
		}
		net.SetNormalisation([]float64{1 / 3.0}, []float64{math.Pi})
		if *p, err = policy.NewNetwork(net, []int{1}, 3, 2, []float64{math.Sqrt2}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestVersion1 reads a checkpoint that the first program with policies wrote: every number is as it
// was, whatever the types have become since.
func TestVersion1(t *testing.T) {
	got, err := checkpoint.Load(filepath.Join("testdata", "version_1.gps"))
	if err != nil {
		t.Fatal(err)
	}
	want := kept(t)
	for _, p := range [][2]*policy.Network{{got.State.Policy, want.State.Policy}, {got.State.Before, want.State.Before}} {
		a, err := p[0].MarshalBinary()
		b, err2 := p[1].MarshalBinary()
		if err != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("a policy has changed: %v, %v", err, err2)
		}
	}
	got.State.Policy, got.State.Before, want.State.Policy, want.State.Before = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got.State.Conditions[0], want.State.Conditions[0])
	}
}

// TestOtherVersions refuses versions that there are not yet, with what to do.
func TestOtherVersions(t *testing.T) {
	path, err := checkpoint.Save(t.TempDir(), example(1))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{-1, 0, checkpoint.Version + 1, 99} {
		other := bytes.Replace(whole, fmt.Appendf(nil, "GPSCHECKPOINT %d ", checkpoint.Version), fmt.Appendf(nil, "GPSCHECKPOINT %d ", version), 1)
		if err := os.WriteFile(path, other, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := checkpoint.Load(path)
		if !errors.Is(err, checkpoint.ErrVersion) {
			t.Errorf("version %d: %v", version, err)
			continue
		}
		for _, want := range []string{path, fmt.Sprintf("version %d", version), fmt.Sprintf("reads %d", checkpoint.Version), "the program that wrote it"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("version %d: %q is not in: %v", version, want, err)
			}
		}
	}
}

// TestFlippedBits finds bits of a whole checkpoint that are not as they were written: all of the header,
// and one of each byte behind it.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), checkpoint.Name(4))
	whole, err := os.ReadFile(filepath.Join("testdata", "version_1.gps"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 8 * len(whole) {
		i, bit := n/8, n%8
		if i > 100 && bit != i%8 {
			continue // what is behind the header has a checksum
		}
		whole[i] ^= 1 << bit
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := checkpoint.Load(path); !errors.Is(err, checkpoint.ErrDamaged) && !errors.Is(err, checkpoint.ErrVersion) || !strings.Contains(err.Error(), path) {
			t.Fatalf("bit %d of byte %d: %v", bit, i, err)
		}
		whole[i] ^= 1 << bit
	}
}
