package kernel_test

import (
	"syscall"
	"testing"
	"unsafe"

	"guidedpolicysearch/gps/internal/kernel"
)

// guarded returns n numbers that end where the process's memory ends.
func guarded(t *testing.T, n int) []float64 {
	page := syscall.Getpagesize()
	size := (n*8 + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	if err := syscall.Mprotect(m[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*float64)(unsafe.Pointer(&m[size-n*8])), n)
}

func TestKernelStaysInside(t *testing.T) {
	each(t, func(t *testing.T) {
		for n := 1; n < 34; n++ {
			rows := kernel.Pad(n)
			b := func() kernel.Block { return kernel.Block{Data: guarded(t, rows*n), Stride: rows} }
			a := b()
			kernel.Mirror(a, n)
			for c := 1; c < 20; c++ {
				kernel.Transpose(guarded(t, n*c), c, kernel.Block{Data: guarded(t, n*c), Stride: n}, n, c)
			}
			for i := range n {
				a.Set(i, i, 1)
			}
			f := kernel.NewFactor(n, n)
			l := b()
			kernel.SetLower(l, a, a.T(), n, n, n)
			kernel.Set(b(), a, a.N(), n, n, n)
			kernel.AddLower(b(), a, a, a.T(), n, n, n)
			f.Cholesky(a, n, 0)
			f.InvertLower(b(), a, n)
			f.SolveRight(b(), b(), a, n, n)
			kernel.AddSquares(guarded(t, n), a, rows)
			x := guarded(t, n)
			kernel.Dot(x, x)
			kernel.Axpy(x, 2, guarded(t, n))
			kernel.Difference(x, x, guarded(t, n), 2)
			kernel.Finite(x)
		}
	})
}

func TestKernel32StaysInside(t *testing.T) {
	slice := func(n int) []float32 { // ends with the memory, if n is even
		return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(guarded(t, (n+1)/2)))), n)
	}
	each(t, func(t *testing.T) {
		for n := 1; n < 40; n++ {
			rows := kernel.Pad32(n)
			b := func() kernel.Block32 { return kernel.Block32{Data: slice(rows * n), Stride: rows} }
			d, a := b(), b()
			column := kernel.Block32{Data: slice(rows)}
			kernel.Set32(d, a, a.T(), n, n, n)
			kernel.Add32(d, column, a, a.N(), n, n, n)
			kernel.Set32(kernel.Block32{Data: column.Data, Stride: rows}, a, kernel.Right32{Data: slice(n + n%2), Inner: 1}, n, 1, n)
			kernel.ReLU(d, n, n)
			kernel.Tanh(d, n, n)
			kernel.ReLUSlope(d, column, n, n)
			kernel.TanhSlope(d, a, n, n)
			new(kernel.Adam).Step(d.Data, a.Data, slice(rows*n), slice(rows*n))
			for c := 2; c < 20; c += 2 {
				kernel.Transpose32(slice(n*c), c, kernel.Block32{Data: slice(n * c), Stride: n}, n, c)
			}
		}
	})
}
