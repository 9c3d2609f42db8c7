// Package fuzzing turns the bytes of a fuzz target into sizes and numbers. It is for tests
// only.
package fuzzing

import (
	"encoding/binary"
	"math"
)

// Source gives out bytes in their order, and zeros when they are used up. It is made from
// the bytes of a fuzz target: Source(data).
type Source []byte

// Byte returns the next byte.
func (s *Source) Byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// Below returns a number in [0, n) from the next byte; n is at most 256.
func (s *Source) Below(n int) int { return int(s.Byte()) % n }

// Float64 returns the number whose bits are the next 8 bytes, little endian: any, so that
// NaN and infinities come up.
func (s *Source) Float64() float64 {
	var bits [8]byte
	for i := range bits {
		bits[i] = s.Byte()
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(bits[:]))
}
