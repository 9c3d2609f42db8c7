package algorithm

import "guidedpolicysearch/gps/internal/kernel"

// Arithmetic returns the name of the linear-algebra kernels in use: avx512, avx2, portable or
// plain. An error says why they are not those that the environment variable GPS_KERNEL asks
// for. All but plain give the same bits.
func Arithmetic() (name string, err error) {
	path, err := kernel.Active()
	return string(path), err
}
