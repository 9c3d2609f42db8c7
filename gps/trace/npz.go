package trace

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// WriteNPZ writes what is recorded as NumPy's .npz: a ZIP archive, without compression, of one .npy
// file per array (version 1.0 of the format: NumPy Enhancement Proposal 1), in the order of their
// names. The bytes depend on nothing but the arrays. (sbinet/npyio writes lists and matrices; the
// arrays here have up to three dimensions and more, and their headers are few lines.) It must not
// run while something is recorded. Errors are those of w.
func (r *Recorder) WriteNPZ(w io.Writer) error {
	archive, buffer := zip.NewWriter(w), bufio.NewWriterSize(nil, 1<<16)
	for _, name := range r.Names() {
		e := r.entry(name)
		file, err := archive.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		if err == nil {
			e.complete()
			buffer.Reset(file)
			err = e.writeNPY(buffer)
		}
		if err != nil {
			return fmt.Errorf("trace: write %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return nil
}

// writeNPY writes the array with its header.
func (e *entry) writeNPY(w *bufio.Writer) error {
	kind, width := "<f8", 0
	switch {
	case e.ints != nil:
		kind = "<i8"
	case e.texts != nil:
		for _, text := range e.texts {
			width = max(width, utf8.RuneCountInString(text))
		}
		width = max(width, 1) // NumPy has no text of width 0 in a file
		kind = fmt.Sprintf("<U%d", width)
	}
	w.Write(header(kind, e.shape))
	chunk := make([]byte, 0, 1<<13)
	for list := e.floats; len(list) > 0; {
		n := min(len(list), cap(chunk)/8)
		chunk = chunk[:8*n]
		for i, v := range list[:n] {
			binary.LittleEndian.PutUint64(chunk[8*i:], math.Float64bits(v))
		}
		w.Write(chunk)
		list = list[n:]
	}
	var number [8]byte
	for _, v := range e.ints {
		binary.LittleEndian.PutUint64(number[:], uint64(v))
		w.Write(number[:])
	}
	for _, text := range e.texts {
		rest := width
		for _, letter := range text {
			binary.LittleEndian.PutUint32(number[:4], uint32(letter))
			w.Write(number[:4])
			rest--
		}
		clear(number[:4])
		for range rest {
			w.Write(number[:4])
		}
	}
	return w.Flush() // which has the error of any Write before
}

// header returns the header of a row-major array, whose length is a multiple of 64 as the format asks for.
func header(kind string, shape []int) []byte {
	const fixed = 10 // magic, version, length
	var sizes strings.Builder
	for _, n := range shape {
		fmt.Fprintf(&sizes, "%d,", n)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, sizes.String())
	length := (fixed+len(text)+1+63)/64*64 - fixed
	h := append([]byte("\x93NUMPY\x01\x00"), byte(length), byte(length>>8))
	h = append(append(h, text...), slices.Repeat([]byte{' '}, length-len(text)-1)...)
	return append(h, '\n')
}
