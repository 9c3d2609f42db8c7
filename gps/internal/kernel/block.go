package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// Lane is the number of rows that a block's columns are padded to a multiple of: eight
// float64, one AVX-512 vector, one cache line.
const Lane = 8

// Pad returns n rounded up to a multiple of Lane.
func Pad(n int) int { return (n + Lane - 1) &^ (Lane - 1) }

// Block is a column-major matrix: element (i, j) stands at Data[j*Stride+i]. Its number of
// rows and columns is its user's; each column holds a multiple of Lane rows.
type Block struct {
	Data   []float64
	Stride int
}

// At returns element (i, j).
func (b Block) At(i, j int) float64 { return b.Data[j*b.Stride+i] }

// Set sets element (i, j).
func (b Block) Set(i, j int, v float64) { b.Data[j*b.Stride+i] = v }

// Column returns the first n rows of column j.
func (b Block) Column(j, n int) []float64 { return b.Data[j*b.Stride:][:n:n] }

// From returns the block that begins at element (i, j). Products of it need i to be a
// multiple of Lane only in so far as rows past its last multiple of half a Lane are written.
func (b Block) From(i, j int) Block { return Block{b.Data[j*b.Stride+i:], b.Stride} }

// Prefetch asks for rows x columns of a block that is read soon to be brought to the processor's
// second-level cache meanwhile. Paths in Go leave it to the processor.
func Prefetch(a Block, rows, columns int) {
	if rows < 0 || columns < 0 || !a.holds(Pad(rows), columns) {
		panic(fmt.Sprintf("kernel: no %d x %d in a block of %d numbers with stride %d", rows, columns, len(a.Data), a.Stride))
	}
	if rows > 0 && columns > 0 {
		prefetch(&a.Data[0], a.Stride, Pad(rows)/Lane, columns)
	}
}

// N returns the block as the right operand op(B) = B.
func (b Block) N() Right { return Right{Data: b.Data, Inner: 1, Outer: stride(b.Stride)} }

// T returns the block as the right operand op(B) = B'.
func (b Block) T() Right { return Right{Data: b.Data, Inner: stride(b.Stride), Outer: 1} }

// stride is negative, which no product takes, where 31 bits do not hold it.
func stride(s int) int32 {
	if uint(s) > math.MaxInt32 {
		return -1
	}
	return int32(s)
}

// Right is the right operand of a product: element (l, j), l being summed over, stands at
// Data[l*Inner+j*Outer].
type Right struct {
	Data         []float64
	Inner, Outer int32 // so that it takes four words: Go copies more through memory
}

// Arena hands out parts of one piece of memory.
type Arena struct{ free []float64 }

// NewArena returns an arena of at least n zeros, n as Space adds them up.
func NewArena(n int) *Arena {
	free := make([]float64, n+Lane-1)
	if off := uintptr(unsafe.Pointer(unsafe.SliceData(free))) / 8 % Lane; off != 0 {
		free = free[Lane-off:]
	}
	return &Arena{free: free[:n:n]}
}

// Space returns what Take(n) uses.
func Space(n int) int { return Pad(n) }

// Take returns n zeros that begin at a multiple of 64 bytes.
func (a *Arena) Take(n int) []float64 {
	if Space(n) > len(a.free) {
		panic(fmt.Sprintf("kernel: arena has %d numbers left, %d asked for", len(a.free), n))
	}
	taken := a.free[:n:n]
	a.free = a.free[Space(n):]
	return taken
}

// TakeBlock returns a block of zeros of Pad(rows) x columns.
func (a *Arena) TakeBlock(rows, columns int) Block {
	return Block{a.Take(Pad(rows) * columns), Pad(rows)}
}

// NewBlock returns a block of zeros of Pad(rows) x columns in memory of its own.
func NewBlock(rows, columns int) Block {
	return NewArena(Pad(rows)*columns).TakeBlock(rows, columns)
}
