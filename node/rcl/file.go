package rcl

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const parametersKey = "ros__parameters"

// ParamsEntry is what a parameter file holds under one node key.
type ParamsEntry struct {
	Key       string // as written, joined with '/': "/**", "talker", "/a/talker"
	Source    Position
	Overrides []Override // in the order of the file
}

// ReadParamsFile reads one ROS 2 parameter file, typed and merged as rcl does, by node key. A pipe,
// which arguments may name, is an error here: it would be waited for.
// Every error is a *SourceError with the place in the file, and wraps ErrParameters. A
// parameter without a value (an empty sequence) is an error here.
func ReadParamsFile(path string) ([]ParamsEntry, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		problem := fmt.Sprintf("expected a file, it is %s", fs.FormatFileInfo(info))
		return nil, &SourceError{Source: Position{File: path}, Problem: problem, Err: fmt.Errorf("%w: %s", ErrParameters, problem)}
	}
	var s store
	if err := s.readFile(path); err != nil {
		return nil, err
	}
	var list []ParamsEntry
	var faults faultList
	for _, n := range s.nodes {
		overrides := mergeOverrides([]*nodeEntries{n}, &faults)
		list = append(list, ParamsEntry{Key: n.key, Source: n.source, Overrides: overrides})
	}
	return list, faults.join()
}

// readFile adds the content of a parameter file (rcl_parse_yaml_file).
func (s *store) readFile(path string) error {
	at := Position{File: path}
	text, err := readBounded(path)
	if err != nil {
		return &SourceError{Source: at, Problem: err.Error(), Err: fmt.Errorf("%w: %w", ErrParameters, err)}
	}
	return s.readText(text, at)
}

func (s *store) readText(text []byte, at Position) error {
	s.passes++
	r := &fileReader{store: s, atNodes: true, expectKey: true,
		values: valueReader{store: s, pass: s.passes}}
	return readEvents(text, at, r.event)
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the parameter file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the parameter file: %w", err)
	}
	if len(text) > maxFileSize {
		return nil, fmt.Errorf("the parameter file is larger than %d bytes", maxFileSize)
	}
	return text, nil
}

// fileReader follows the events of a file as parse_file_events of rcl_yaml_param_parser 5.3
// does, with all it accepts by accident: maps above ros__parameters join to the node key, maps
// below to the parameter name, and a map that follows a value takes that value's entry over.
type fileReader struct {
	store     *store
	values    valueReader
	atNodes   bool // above ros__parameters
	expectKey bool
	newMap    bool // the key before was the name of this map
	depth     int

	nodes      joined // keys above ros__parameters
	parameters joined // keys below

	node, parameter int // where the next value goes
}

// joined is a path of keys. rcl counts the keys and cuts at the last separator, so a key that
// holds a separator itself leaves the path in pieces; kept.
type joined struct {
	path  string
	count int
}

func (j *joined) push(key, separator string) {
	if j.count == 0 {
		j.path = key
	} else if strings.HasSuffix(j.path, separator) {
		j.path += key
	} else {
		j.path += separator + key
	}
	j.count++
}

func (j *joined) pop(separator string) {
	switch {
	case j.count == 0:
		return
	case j.count == 1:
		j.path = ""
	default:
		if i := strings.LastIndex(j.path, separator); i >= 0 {
			j.path = j.path[:i]
		}
	}
	j.count--
}

func (r *fileReader) fail(at Position, format string, args ...any) error {
	return &SourceError{Source: at, Problem: fmt.Sprintf(format, args...), Err: ErrParameters}
}

func (r *fileReader) event(ev event) error {
	switch ev.kind {
	case scalarEvent:
		if r.expectKey {
			r.expectKey = false
			return r.key(ev)
		}
		return r.value(ev)
	case sequenceStart:
		if r.expectKey {
			return r.fail(ev.pos, "a sequence where a key was expected")
		}
		if r.atNodes {
			return r.fail(ev.pos, "a sequence under %q, expected %s: with the parameters below it", r.nodes.path, parametersKey)
		}
		r.values.beginSequence(ev.pos)
	case sequenceEnd:
		r.values.inSequence = false
		r.expectKey = true
	case mappingStart:
		r.depth++
		r.expectKey = true
		// The map of ros__parameters itself adds nothing to the names.
		r.newMap = r.atNodes || r.depth-(r.nodes.count+1) != 2
	case mappingEnd:
		r.endMapping()
	case aliasEvent:
		return r.fail(ev.pos, "alias *%s: ROS parameter files have no aliases, write the value out", ev.text)
	}
	return nil
}

func (r *fileReader) endMapping() {
	switch {
	case !r.atNodes && r.parameters.count > 0:
		r.parameters.pop(".")
	case !r.atNodes:
		r.atNodes = true
	case r.depth == r.nodes.count+1:
		r.nodes.pop("/")
	}
	r.depth--
}

func (r *fileReader) key(ev event) error {
	if ev.empty {
		return r.fail(ev.pos, "an empty key")
	}
	if !r.atNodes {
		return r.parameterKey(ev)
	}
	if len(ev.text)+len(r.nodes.path) > maxNameLength {
		return r.fail(ev.pos, "node key longer than %d bytes", maxNameLength)
	}
	if !strings.HasPrefix(ev.text, parametersKey) {
		r.nodes.push(ev.text, "/")
		return nil
	}
	if r.nodes.count == 0 {
		return r.fail(ev.pos, "%s without a node name above it, expected for example /**: with %s: below it", parametersKey, parametersKey)
	}
	if err := validateNodeKey(r.nodes.path); err != nil {
		return r.fail(ev.pos, "node key %q: %v", r.nodes.path, err)
	}
	var err error
	if r.node, err = r.store.find(r.nodes.path, ev.pos); err != nil {
		return err
	}
	r.nodes.pop("/")
	r.atNodes = false
	return nil
}

func (r *fileReader) parameterKey(ev event) error {
	node := r.store.nodes[r.node]
	if r.newMap {
		if r.parameter >= len(node.entries) {
			return r.fail(ev.pos, "a map without a parameter name above it")
		}
		r.parameters = joined{path: node.entries[r.parameter].name, count: r.parameters.count + 1}
		r.newMap = false
	}
	name := ev.text
	if r.parameters.count > 0 {
		name = r.parameters.path + "." + name
	}
	if len(name) > maxNameLength {
		return r.fail(ev.pos, "parameter name longer than %d bytes", maxNameLength)
	}
	if err := r.store.grow(ev.pos); err != nil {
		return err
	}
	if r.parameters.count == 0 {
		r.parameter = node.find(name)
		return nil
	}
	r.parameter = node.find(r.parameters.path)
	node.entries[r.parameter].name = name
	return nil
}

func (r *fileReader) value(ev event) error {
	if r.atNodes {
		return r.fail(ev.pos, "a value under %q, expected %s: with the parameters below it", r.nodes.path, parametersKey)
	}
	node := r.store.nodes[r.node]
	if r.parameter >= len(node.entries) {
		return r.fail(ev.pos, "%s of %q holds a value, expected a map of parameters", parametersKey, node.key)
	}
	if !r.values.inSequence {
		r.expectKey = true
	}
	return r.values.scalar(ev, node.entries[r.parameter])
}
