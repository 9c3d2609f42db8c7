package fuzzing_test

import (
	"math"
	"testing"

	"guidedpolicysearch/internal/fuzzing"
)

func TestSource(t *testing.T) {
	s := fuzzing.Source{7, 12, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 3}
	if b, below, inf := s.Byte(), s.Below(5), s.Float64(); b != 7 || below != 2 || !math.IsInf(inf, 1) {
		t.Errorf("got %d, %d and %v, want 7, 2 and +Inf", b, below, inf)
	}
	// One byte is left, and zeros follow.
	if v := s.Float64(); v != math.Float64frombits(3) {
		t.Errorf("number beyond the end is %v", v)
	}
	if s.Byte() != 0 || s.Below(9) != 0 || s.Float64() != 0 {
		t.Error("a source that is used up gives more than zeros")
	}
}
