package dataset

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// arrays collects the trials for an NPZ file. What has a time step in it is kept in files beside the
// destination until all trials are there: an NPZ file has one array after the other. (sbinet/npyio
// writes an array from memory only.)
type arrays struct {
	dir   string // for the files
	count int
	T     int
	names Names

	iteration, condition, sample, intervened []int64
	seed                                     []uint64
	dt, cost                                 []float64
	driver                                   []string
	states, actions, commanded, costs, stamp *spool
}

// spool is a file of numbers.
type spool struct {
	file *os.File
	out  *bufio.Writer
}

func newArrays(dir string) (a *arrays, err error) {
	a = &arrays{}
	if a.dir, err = os.MkdirTemp(dir, ".dataset-*.tmp"); err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	for name, s := range map[string]**spool{"states": &a.states, "actions": &a.actions, "commanded": &a.commanded, "costs": &a.costs, "stamp": &a.stamp} {
		file, err := os.Create(filepath.Join(a.dir, name))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("dataset: %w", err), a.remove())
		}
		*s = &spool{file, bufio.NewWriterSize(file, 1<<16)}
	}
	return a, nil
}

func (a *arrays) remove() error {
	for _, s := range []*spool{a.states, a.actions, a.commanded, a.costs, a.stamp} {
		if s != nil {
			s.file.Close()
		}
	}
	return os.RemoveAll(a.dir)
}

func (s *spool) floats(list []float64) error {
	var b [8]byte
	for _, v := range list {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		if _, err := s.out.Write(b[:]); err != nil {
			return fmt.Errorf("dataset: %w", err)
		}
	}
	return nil
}

// missing is n numbers that are not there.
func missing(n int) []float64 { return slices.Repeat([]float64{math.NaN()}, n) }

// add adds a trial.
func (a *arrays) add(t *trial) error {
	T, dU := int(t.Rollout.Steps), int(t.Du)
	if a.count == 0 {
		a.T, a.names.States, a.names.Joints = T, t.StateNames, t.JointNames
	}
	if T != a.T {
		return fmt.Errorf("%w: %s has %d time steps, those before have %d, which makes no array: export them apart, with --iteration, or as CSV or Parquet", ErrMixed, t.file, T, a.T)
	}
	a.count++
	a.iteration, a.condition, a.sample = append(a.iteration, int64(t.Iteration)), append(a.condition, int64(t.Condition)), append(a.sample, int64(t.Sample))
	a.seed, a.intervened = append(a.seed, t.NoiseSeed), append(a.intervened, int64(t.Intervened))
	a.dt, a.driver = append(a.dt, t.Dt), append(a.driver, t.Driver)
	costs, commanded, total := t.steps, t.Commanded, t.total
	if costs == nil {
		costs, total = missing(T), math.NaN()
	}
	if len(commanded) == 0 {
		commanded = missing(T * dU)
	}
	a.cost = append(a.cost, total)
	for i := range T + 1 {
		ns, _ := t.stamp(i)
		if err := binary.Write(a.stamp.out, binary.LittleEndian, ns); err != nil {
			return fmt.Errorf("dataset: %w", err)
		}
	}
	return errors.Join(a.states.floats(t.States), a.actions.floats(t.Actions), a.commanded.floats(commanded), a.costs.floats(costs))
}

// write writes the file.
func (a *arrays) write(w io.Writer) error {
	n, dX, dU := a.count, len(a.names.States), len(a.names.Joints)
	z := zip.NewWriter(w)
	x0 := func(w io.Writer) error { return a.states.rows(w, n, (a.T+1)*dX*8, dX*8) }
	for _, e := range []struct {
		name, kind string
		shape      []int
		write      func(io.Writer) error
	}{
		{"states", "<f8", []int{n, a.T + 1, dX}, a.states.copy},
		{"actions", "<f8", []int{n, a.T, dU}, a.actions.copy},
		{"commanded", "<f8", []int{n, a.T, dU}, a.commanded.copy},
		{"x0", "<f8", []int{n, dX}, x0},
		{"costs", "<f8", []int{n, a.T}, a.costs.copy},
		{"stamps_ns", "<i8", []int{n, a.T + 1}, a.stamp.copy},
		{"cost", "<f8", []int{n}, numbers(a.cost)},
		{"iteration", "<i8", []int{n}, numbers(a.iteration)},
		{"condition", "<i8", []int{n}, numbers(a.condition)},
		{"sample", "<i8", []int{n}, numbers(a.sample)},
		{"noise_seed", "<u8", []int{n}, numbers(a.seed)},
		{"intervened", "<i8", []int{n}, numbers(a.intervened)},
		{"dt", "<f8", []int{n}, numbers(a.dt)},
		texts("driver", a.driver),
		texts("state_names", a.names.States),
		texts("state_units", a.names.stateUnits()),
		texts("action_names", a.names.Joints),
		texts("action_units", a.names.actionUnits()),
	} {
		f, err := z.CreateHeader(&zip.FileHeader{Name: e.name + ".npy", Method: zip.Store})
		if err == nil {
			_, err = f.Write(header(e.kind, e.shape))
		}
		if err == nil {
			err = e.write(f)
		}
		if err != nil {
			return fmt.Errorf("dataset: array %s: %w", e.name, err)
		}
	}
	return z.Close()
}

// copy writes the whole file.
func (s *spool) copy(w io.Writer) error {
	err := s.out.Flush()
	if err == nil {
		_, err = s.file.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(w, s.file)
	}
	return err
}

// rows writes the first bytes of each of n rows.
func (s *spool) rows(w io.Writer, n, row, first int) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	part := make([]byte, first)
	for i := range n {
		if _, err := s.file.ReadAt(part, int64(i)*int64(row)); err != nil {
			return err
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func numbers[V int64 | uint64 | float64](list []V) func(io.Writer) error {
	return func(w io.Writer) error { return binary.Write(w, binary.LittleEndian, list) }
}

// texts is an array of texts, of UTF-32 with zeros behind.
func texts(name string, list []string) (e struct {
	name, kind string
	shape      []int
	write      func(io.Writer) error
}) {
	width := 1 // NumPy has no text of width 0 in a file
	for _, text := range list {
		width = max(width, utf8.RuneCountInString(text))
	}
	e.name, e.kind, e.shape = name, fmt.Sprintf("<U%d", width), []int{len(list)}
	e.write = func(w io.Writer) error {
		for _, text := range list {
			letters := make([]int32, width)
			copy(letters, []rune(text))
			if err := binary.Write(w, binary.LittleEndian, letters); err != nil {
				return err
			}
		}
		return nil
	}
	return e
}

// header returns the header of a .npy file, version 1.0 (NumPy Enhancement Proposal 1), of a
// row-major array; its length is a multiple of 64.
func header(kind string, shape []int) []byte {
	const fixed = 10 // magic, version, length
	var sizes strings.Builder
	for _, n := range shape {
		fmt.Fprintf(&sizes, "%d,", n)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, sizes.String())
	length := (fixed+len(text)+1+63)/64*64 - fixed
	h := append([]byte("\x93NUMPY\x01\x00"), byte(length), byte(length>>8))
	h = append(append(h, text...), strings.Repeat(" ", length-len(text)-1)...)
	return append(h, '\n')
}
