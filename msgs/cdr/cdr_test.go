package cdr_test

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"guidedpolicysearch/msgs/cdr"
)

// TestAlignment checks padding from the start of the body, behind a prefix too.
func TestAlignment(t *testing.T) {
	e := cdr.NewEncoder([]byte("prefix!"))
	e.Uint8(1)
	e.Uint16(2)
	e.Uint8(3)
	e.Uint32(4)
	e.Uint8(5)
	e.Float64(6)
	e.Len(0)
	e.Float64s(nil)
	e.Uint8(7)
	want := append([]byte("prefix!"), 0, 1, 0, 0,
		1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0x18, 0x40, 0, 0, 0, 0, 7)
	if got := e.Bytes(); !reflect.DeepEqual(got, want) {
		t.Errorf("% x, want\n% x", got, want)
	}
}

// values are one of each number and sequence.
type values struct {
	I8   int8
	U8   uint8
	I16  int16
	U16  uint16
	I32  int32
	U32  uint32
	I64  int64
	U64  uint64
	F32  float32
	F64  float64
	B    bool
	S    string
	I8s  []int8
	U8s  []uint8
	X16  []int16
	U16s []uint16
	X32  []int32
	U32s []uint32
	X64  []int64
	U64s []uint64
	F32s []float32
	F64s []float64
	Bs   []bool
	Ss   []string
}

func (v *values) read(d *cdr.Decoder) {
	v.I8, v.U8 = d.Int8("I8"), d.Uint8("U8")
	v.I16, v.U16 = d.Int16("I16"), d.Uint16("U16")
	v.I32, v.U32 = d.Int32("I32"), d.Uint32("U32")
	v.I64, v.U64 = d.Int64("I64"), d.Uint64("U64")
	v.F32, v.F64 = d.Float32("F32"), d.Float64("F64")
	v.B = d.Bool("B")
	d.String("S", &v.S, 0)
	d.Int8Seq("I8s", &v.I8s, 0)
	d.Uint8Seq("U8s", &v.U8s, 0)
	d.Int16Seq("X16", &v.X16, 0)
	d.Uint16Seq("U16s", &v.U16s, 0)
	d.Int32Seq("X32", &v.X32, 0)
	d.Uint32Seq("U32s", &v.U32s, 0)
	d.Int64Seq("X64", &v.X64, 0)
	d.Uint64Seq("U64s", &v.U64s, 0)
	d.Float32Seq("F32s", &v.F32s, 0)
	d.Float64Seq("F64s", &v.F64s, 0)
	d.BoolSeq("Bs", &v.Bs, 0)
	d.StringSeq("Ss", &v.Ss, 0, 0)
}

func (v *values) write(e *cdr.Encoder) {
	e.Int8(v.I8)
	e.Uint8(v.U8)
	e.Int16(v.I16)
	e.Uint16(v.U16)
	e.Int32(v.I32)
	e.Uint32(v.U32)
	e.Int64(v.I64)
	e.Uint64(v.U64)
	e.Float32(v.F32)
	e.Float64(v.F64)
	e.Bool(v.B)
	e.String(v.S)
	e.Len(len(v.I8s))
	e.Int8s(v.I8s)
	e.Len(len(v.U8s))
	e.Uint8s(v.U8s)
	e.Len(len(v.X16))
	e.Int16s(v.X16)
	e.Len(len(v.U16s))
	e.Uint16s(v.U16s)
	e.Len(len(v.X32))
	e.Int32s(v.X32)
	e.Len(len(v.U32s))
	e.Uint32s(v.U32s)
	e.Len(len(v.X64))
	e.Int64s(v.X64)
	e.Len(len(v.U64s))
	e.Uint64s(v.U64s)
	e.Len(len(v.F32s))
	e.Float32s(v.F32s)
	e.Len(len(v.F64s))
	e.Float64s(v.F64s)
	e.Len(len(v.Bs))
	e.Bools(v.Bs)
	e.Len(len(v.Ss))
	e.Strings(v.Ss)
}

func example() values {
	return values{-1, 2, -3, 4, -5, 6, -7, 8, -1.5, 2.5, true, "text",
		[]int8{-1, 1}, []uint8{1, 2, 3}, []int16{-1}, []uint16{math.MaxUint16}, []int32{math.MinInt32}, []uint32{1},
		[]int64{math.MinInt64}, []uint64{math.MaxUint64}, []float32{1, -1}, []float64{math.Inf(-1)}, []bool{true, false}, []string{"", "a"}}
}

func TestRoundTrip(t *testing.T) {
	want := example()
	e := cdr.NewEncoder(nil)
	want.write(&e)
	d := cdr.NewDecoder(e.Bytes(), "toy")
	var got values
	got.read(&d)
	if d.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v, read\n%+v, want\n%+v", d.Err(), got, want)
	}
}

// TestTruncatedEverywhere cuts the payload at each byte: always ErrTruncated, with an
// offset inside, and what is read after the error is zero.
func TestTruncatedEverywhere(t *testing.T) {
	want := example()
	e := cdr.NewEncoder(nil)
	want.write(&e)
	for n := range e.Bytes() {
		d := cdr.NewDecoder(e.Bytes()[:n], "toy")
		var got values
		got.read(&d)
		var at *cdr.Error
		if !errors.As(d.Err(), &at) || !errors.Is(at, cdr.ErrTruncated) || at.Offset > n {
			t.Fatalf("%d bytes: error %#v", n, d.Err())
		}
		if len(got.Ss) == 2 && got.Ss[1] == "a" || d.Uint64("after") != 0 {
			t.Fatalf("%d bytes: read on after the error", n)
		}
	}
}

func TestResizeKeepsElements(t *testing.T) {
	s := [][]int{make([]int, 0, 5), make([]int, 0, 7)}
	s = cdr.Resize(s, 0)
	s = cdr.Resize(s, 20)
	if len(s) != 20 || cap(s[0]) != 5 || cap(s[1]) != 7 {
		t.Errorf("capacities %d and %d, want 5 and 7", cap(s[0]), cap(s[1]))
	}
}
