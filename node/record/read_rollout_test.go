package record

import (
	"bytes"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

// recording returns the bytes of a small recording.
func recording(t testing.TB) []byte {
	t.Helper()
	trial := NewTrial(Topics{}, 2, 8)
	trial.JointStates.Append([]byte{0, 1, 0, 0}, 1, 1)
	trial.Rollout = guided_policy_search_msgs.Rollout{Steps: 1, Dx: 1, Du: 1, States: []float64{0, 1}, Actions: []float64{2}}
	var b bytes.Buffer
	if err := writeMCAP(&b, trial, trial.Rollout.AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEveryByte cuts a recording before every byte and changes every byte: the
// checksums and the framing leave none out.
func TestEveryByte(t *testing.T) {
	data := recording(t)
	if _, err := findRollout(data); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		if _, err := findRollout(data[:i]); err == nil || !strings.Contains(err.Error(), "at byte ") {
			t.Fatalf("cut at byte %d of %d: error %v", i, len(data), err)
		}
		for _, flip := range []byte{1, 0x80, 0xff} {
			data[i] ^= flip
			if _, err := findRollout(data); err == nil || !strings.Contains(err.Error(), "at byte ") {
				t.Fatalf("byte %d of %d changed: error %v", i, len(data), err)
			}
			data[i] ^= flip
		}
	}
}

// FuzzFindRollout reads any bytes as a recording: an error or a rollout that fits its
// sizes, no panic.
func FuzzFindRollout(f *testing.F) {
	whole := recording(f)
	f.Add(whole)
	f.Add(whole[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := findRollout(data)
		if err != nil {
			return
		}
		if err := checkShapes(r); err != nil {
			t.Fatal(err)
		}
	})
}
