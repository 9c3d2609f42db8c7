package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// strided reaches up to eight columns from one pointer: by an odd multiple of the stride,
// and by the factors 1, 2 and 4 of addresses.
type strided struct {
	multiples [8]reg.Register // in bytes: 1, 3, 5 and 7
}

// strided makes the multiples of a stride in numbers, as many as tiles of the set need.
func (m machine) strided(stride reg.Register) strided {
	one, three, five, seven := stride, m.GP64(), m.GP64(), m.GP64()
	m.SHLQ(m.shift(), one)
	m.LEAQ(indexed(one, one, 2), three)
	m.LEAQ(indexed(one, one, 4), five)
	if m.widest() > 7 {
		m.LEAQ(indexed(three, one, 4), seven)
	}
	return strided{[8]reg.Register{1: one, 3: three, 5: five, 7: seven}}
}

// column returns the address of column k from that of column 0.
func (s strided) column(base reg.Register, k, displacement int) operand.Mem {
	address := at(base, displacement)
	if k > 0 {
		odd, scale := k, 1
		for odd%2 == 0 {
			odd, scale = odd/2, scale*2
		}
		address.Index, address.Scale = s.multiples[odd], uint8(scale)
	}
	return address
}
