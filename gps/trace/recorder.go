package trace

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// Config says what a Recorder keeps.
type Config struct {
	// Select are patterns of the names that are recorded: * stands for any characters, also none
	// and also '/', ? for one. A name that one of them matches is recorded. Default "*", all.
	Select []string
	// Limit bounds the memory of what is recorded, in bytes, > 0; default 256 MiB. Beyond it the
	// largest arrays are dropped (of equals the last by name), whatever order they came in.
	Limit int
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Select: []string{"*"}, Limit: 256 << 20} }

// Validate returns an error that names the field that is out of range.
func (c Config) Validate() error {
	if c.Limit <= 0 {
		return fmt.Errorf("trace: limit is %d bytes, need more than 0", c.Limit)
	}
	for i, p := range c.Select {
		if p == "" {
			return fmt.Errorf("trace: select[%d] is empty, need a pattern such as \"*\" or \"*/search/*\"", i)
		}
	}
	return nil
}

// Recorder collects named arrays. It may be used by several goroutines at once.
type Recorder struct {
	cfg Config
	all bool // a pattern is "*"

	mu      sync.Mutex
	entries map[string]*entry
	largest bySize // of entries, the one to drop next first
	bytes   int
	// dropped counts arrays, droppedBytes their memory. smallest is the least of them: what is not
	// before it is dropped without being looked at.
	dropped, droppedBytes int
	smallest              *entry
	// free has the numbers of arrays recorded before the last Reset, by their length: memory that
	// the system has given already.
	free map[int][][]float64
}

// entry is one array: one of the slices is set.
type entry struct {
	name   string
	shape  []int
	floats []float64
	ints   []int64
	texts  []string
	// fill completes floats when they are first asked for; nil where they are complete.
	fill func(dst []float64)
	size int // in bytes, with what it takes to keep it
}

// overhead is about what an array of no number takes, in bytes.
const overhead = 160

// before tells whether e is kept rather than other.
func (e *entry) before(other *entry) bool {
	return cmp.Or(cmp.Compare(e.size, other.size), strings.Compare(e.name, other.name)) < 0
}

// NewRecorder returns a Recorder without arrays, or the error of cfg.Validate.
func NewRecorder(cfg Config) (*Recorder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Recorder{cfg: cfg, all: slices.Contains(cfg.Select, "*"), entries: map[string]*entry{}}, nil
}

// Reset forgets all arrays and keeps their memory for the next ones. Slices that Array or
// Scope.Space returned must not be used any more.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = map[int][][]float64{}
	for _, e := range r.entries {
		if n := len(e.floats); n > 0 {
			r.free[n] = append(r.free[n], e.floats)
		}
	}
	clear(r.entries)
	r.largest = r.largest[:0]
	r.bytes, r.dropped, r.droppedBytes, r.smallest = 0, 0, 0, nil
}

// Dropped returns how many arrays there was no room for, and their memory in bytes.
func (r *Recorder) Dropped() (arrays, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped, r.droppedBytes
}

// Names returns the names of what is recorded, in order.
func (r *Recorder) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.entries))
	for name := range r.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Array returns the numbers recorded under a name, row-major, and their shape (nil for a single
// number); nil numbers where there are none. They are the Recorder's own. It must not run while
// something is recorded.
func (r *Recorder) Array(name string) (data []float64, shape []int) {
	e := r.entry(name)
	if e == nil {
		return nil, nil
	}
	e.complete()
	return e.floats, e.shape
}

// complete computes what was left for later.
func (e *entry) complete() {
	if e.fill != nil {
		e.fill(e.floats)
		e.fill = nil
	}
}

func (r *Recorder) entry(name string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[name]
}

// wants tells whether a name is recorded.
func (r *Recorder) wants(name string) bool {
	return r.all || slices.ContainsFunc(r.cfg.Select, func(pattern string) bool { return match(pattern, name) })
}

// match tells whether the whole name matches the pattern. It takes time proportional to the product of
// their lengths at most.
func match(pattern, name string) bool {
	star, from := -1, 0 // of the latest *, and where what it stands for ends
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// floats records an array of that shape and returns the place for its numbers, nil where it is
// dropped. Its content is whatever was there before. fill, unless nil, completes it later.
func (r *Recorder) floats(name string, shape []int, fill func(dst []float64)) []float64 {
	n := elements(name, shape)
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &entry{name: r.unused(name), shape: slices.Clone(shape), size: overhead + len(name) + 8*n, fill: fill}
	if r.rejects(e) {
		return nil
	}
	if list := r.free[n]; len(list) > 0 {
		e.floats, r.free[n] = list[len(list)-1], list[:len(list)-1]
	} else {
		e.floats = make([]float64, n)
	}
	r.add(e)
	return e.floats
}

// put records an array that is there.
func (r *Recorder) put(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.name = r.unused(e.name)
	if !r.rejects(e) {
		r.add(e)
	}
}

// unused returns the name, with an index where it was recorded before.
func (r *Recorder) unused(name string) string {
	if _, used := r.entries[name]; !used {
		return name
	}
	for i := 1; ; i++ {
		next := indexed(name, i)
		if _, used := r.entries[next]; !used {
			return next
		}
	}
}

// rejects tells whether e would be dropped at once: it comes after what was dropped already.
func (r *Recorder) rejects(e *entry) bool {
	if e.size <= r.cfg.Limit && (r.smallest == nil || e.before(r.smallest)) {
		return false
	}
	r.drop(e)
	return true
}

func (r *Recorder) drop(e *entry) {
	r.dropped++
	r.droppedBytes += e.size
	if r.smallest == nil || e.before(r.smallest) {
		r.smallest = e
	}
}

// add keeps e, and drops what is largest until all is within the limit. What is kept are the arrays
// before the first, from the smallest up, that would go beyond the limit: the same in any order.
func (r *Recorder) add(e *entry) {
	r.entries[e.name] = e
	heap.Push(&r.largest, e)
	for r.bytes += e.size; r.bytes > r.cfg.Limit; {
		last := heap.Pop(&r.largest).(*entry)
		delete(r.entries, last.name)
		r.bytes -= last.size
		r.drop(last)
	}
}

// elements returns the number of elements of a shape. Sizes below 0, or too many, are a mistake of the
// caller.
func elements(name string, shape []int) int {
	n := 1
	for _, v := range shape {
		if v < 0 || v > 0 && n > math.MaxInt32/v {
			panic(fmt.Sprintf("trace: %s has a shape with %d after %d elements, need sizes >= 0 and at most %d elements", name, v, n, math.MaxInt32))
		}
		n *= v
	}
	return n
}

// bySize is a heap whose first entry is the one to drop next.
type bySize []*entry

func (h bySize) Len() int           { return len(h) }
func (h bySize) Less(i, j int) bool { return h[j].before(h[i]) }
func (h bySize) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *bySize) Push(e any) { *h = append(*h, e.(*entry)) }

// Pop is heap.Interface's.
func (h *bySize) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
