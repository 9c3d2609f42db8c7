// Package gen writes Go types with CDR encoding and decoding from ROS 2 interface
// definitions.
//
// Each ROS package becomes one Go package of the same name, each definition one file
// <name>_<msg|srv|action>.gen.go. A message T gets
//
//	AppendCDR(dst []byte) []byte      header and body, little endian
//	UnmarshalCDR(src []byte) error    reuses slices and equal strings that T holds
//	TypeName() string                 "sensor_msgs/msg/JointState"
//	TypeHash() string                 "RIHS01_...", what ROS 2 announces from Iron on
//	Definition() string               the ros2msg text for bags, dependencies included
//
// besides EncodeCDR and DecodeCDR for messages that contain it, and SetDefaults where
// the definition has default values. Constants are named Type_NAME. A service or action is
// an empty type with TypeName and TypeHash alone, and a service's RequestHash and
// ResponseHash, beside the messages that it consists of.
package gen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/msgs/description"
	"guidedpolicysearch/msgs/idl"
)

// ErrDefinition marks definitions that do not fit together.
var ErrDefinition = errors.New("gen: bad interface definitions")

// Source is one ROS package's folder, with definitions in msg/, srv/ and action/.
type Source struct {
	Package string
	Dir     string
	Import  string // Go import path of the folder that holds the Go package
	Emit    bool   // false: other packages refer to it, its Go code is there already
}

// entry is one message and what is derived from it.
type entry struct {
	*idl.Message
	source      *Source
	file        string  // name of the Go file
	defined     idl.Ref // what the file defines: this message, or the service or action it is a part of
	minSize     int     // least bytes on the wire without padding; 0 until resolved
	active      bool    // while resolving, to find cycles
	hasDefaults bool
}

// set is all messages by name, and in the order of their files.
type set struct {
	byRef map[idl.Ref]*entry
	order []*entry
	types *description.Set
}

// Generate reads the sources and returns the Go files of those to emit: path relative
// to the folder of the sources' import path, slash-separated, to content.
func Generate(sources []Source) (map[string][]byte, error) {
	s, err := load(sources)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for i := 0; i < len(s.order); {
		first := s.order[i]
		var group []*entry
		for ; i < len(s.order) && s.order[i].source == first.source && s.order[i].file == first.file; i++ {
			group = append(group, s.order[i])
		}
		if !first.source.Emit {
			continue
		}
		code, err := s.goFile(group)
		if err != nil {
			return nil, fmt.Errorf("gen: %s: %w", first.Ref, err)
		}
		files[first.source.Package+"/"+first.file] = code
	}
	for _, src := range sources {
		if src.Emit {
			files[src.Package+"/doc.gen.go"] = docFile(src.Package)
		}
	}
	return files, nil
}

// Types returns the names of all messages to emit, as package and Go type, and those of the
// services and actions.
func Types(sources []Source) (messages, others []idl.Ref, err error) {
	s, err := load(sources)
	if err != nil {
		return nil, nil, err
	}
	var last idl.Ref
	for _, e := range s.order {
		if !e.source.Emit {
			continue
		}
		messages = append(messages, e.Ref)
		if e.defined != last {
			others = append(others, e.withoutCDR()...)
			last = e.defined
		}
	}
	return messages, others, nil
}

// withoutCDR returns the names of the file's types that are not messages: a service, or an
// action and its two services.
func (e *entry) withoutCDR() []idl.Ref {
	ref := e.defined
	switch ref.Kind {
	case "srv":
		return []idl.Ref{ref}
	case "action":
		sendGoal, getResult := ref, ref
		sendGoal.Name += "_SendGoal"
		getResult.Name += "_GetResult"
		return []idl.Ref{ref, sendGoal, getResult}
	}
	return nil
}

// load reads all definitions and resolves the references between them.
func load(sources []Source) (*set, error) {
	s := &set{byRef: map[idl.Ref]*entry{}, types: description.NewSet()}
	for i := range sources {
		before := len(s.order)
		for _, kind := range []string{"msg", "srv", "action"} {
			if err := s.loadKind(&sources[i], kind); err != nil {
				return nil, err
			}
		}
		if len(s.order) == before {
			return nil, fmt.Errorf("%w: no .msg, .srv or .action files in the folders msg, srv and action of %s",
				ErrDefinition, sources[i].Dir)
		}
		if err := s.types.AddPackage(sources[i].Package, os.DirFS(sources[i].Dir)); err != nil {
			return nil, fmt.Errorf("gen: %w", err)
		}
	}
	names := map[[2]string]idl.Ref{} // by ROS package and Go type
	for _, e := range s.order {
		if err := s.resolve(e); err != nil {
			return nil, err
		}
		for _, ref := range append(e.withoutCDR(), e.Ref) {
			name := [2]string{ref.Package, ref.Name}
			if other, ok := names[name]; ok && other != ref {
				return nil, fmt.Errorf("%w: %s and %s would be one Go type", ErrDefinition, other, ref)
			}
			names[name] = ref
		}
	}
	return s, nil
}

// loadKind reads the files of one kind of a source.
func (s *set) loadKind(src *Source, kind string) error {
	paths, err := filepath.Glob(filepath.Join(src.Dir, kind, "*."+kind))
	if err != nil {
		return fmt.Errorf("gen: %w", err)
	}
	slices.Sort(paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("gen: %w", err)
		}
		name := strings.TrimSuffix(filepath.Base(path), "."+kind)
		ref := idl.Ref{Package: src.Package, Kind: kind, Name: name}
		messages, err := parse(ref, path, string(text))
		if err != nil {
			return err
		}
		for _, m := range messages {
			if s.byRef[m.Ref] != nil {
				return fmt.Errorf("%w: %s is defined twice", ErrDefinition, m.Ref)
			}
			e := &entry{Message: m, source: src, file: snake(name) + "_" + kind + ".gen.go", defined: ref}
			s.byRef[m.Ref] = e
			s.order = append(s.order, e)
		}
	}
	return nil
}

// parse reads one file of any kind.
func parse(ref idl.Ref, path, text string) ([]*idl.Message, error) {
	switch ref.Kind {
	case "srv":
		request, response, err := idl.ParseService(ref, path, text)
		return []*idl.Message{request, response}, err
	case "action":
		action, err := idl.ParseAction(ref, path, text)
		if err != nil {
			return nil, err
		}
		return action.Messages(), nil
	}
	message, err := idl.ParseMessage(ref, path, text)
	return []*idl.Message{message}, err
}

// resolve computes what depends on the messages that e contains.
func (s *set) resolve(e *entry) error {
	if e.minSize > 0 {
		return nil
	}
	if e.active {
		return fmt.Errorf("%w: %s contains itself", ErrDefinition, e.Ref)
	}
	e.active = true
	names := map[string]bool{}
	size := 0
	for _, f := range e.Fields {
		name := GoName(f.Name)
		if names[name] {
			return fmt.Errorf("%w: %s has two fields that become %s", ErrDefinition, e.Ref, name)
		}
		names[name] = true
		if f.Default != nil {
			e.hasDefaults = true
		}
		if f.Type.Primitive == "" {
			sub := s.byRef[f.Type.Message]
			if sub == nil {
				return fmt.Errorf("%w: field %s of %s has type %s, of which there is no definition",
					ErrDefinition, f.Name, e.Ref, f.Type.Message)
			}
			if err := s.resolve(sub); err != nil {
				return err
			}
			if sub.hasDefaults && f.Type.Shape != idl.Sequence {
				e.hasDefaults = true
			}
		}
		size += s.minFieldSize(f.Type)
	}
	e.minSize = max(size, 1) // a message without fields takes one byte
	e.active = false
	return nil
}

// minElementSize returns the least size on the wire of one value of the type.
func (s *set) minElementSize(t idl.Type) int {
	switch t.Primitive {
	case "":
		return s.byRef[t.Message].minSize
	case idl.Bool, idl.Int8, idl.Uint8:
		return 1
	case idl.Int16, idl.Uint16:
		return 2
	case idl.Int64, idl.Uint64, idl.Float64:
		return 8
	}
	return 4 // int32, uint32, float32, the length of a string
}

// minFieldSize returns the least size on the wire of a field of the type.
func (s *set) minFieldSize(t idl.Type) int {
	switch t.Shape {
	case idl.Sequence:
		return 4
	case idl.Array:
		return t.Size * s.minElementSize(t)
	}
	return s.minElementSize(t)
}

// dependencies returns the messages that e contains, at any depth, each once.
func (s *set) dependencies(e *entry) []*entry {
	var found []*entry
	var visit func(*entry)
	visit = func(e *entry) {
		for _, f := range e.Fields {
			if f.Type.Primitive != "" {
				continue
			}
			if sub := s.byRef[f.Type.Message]; !slices.Contains(found, sub) {
				found = append(found, sub)
				visit(sub)
			}
		}
	}
	visit(e)
	return found
}

// definition returns the ros2msg text: the message's own definition, then each
// dependency's after a line of 80 '=' and a line with its name.
func (s *set) definition(e *entry) string {
	var b strings.Builder
	b.WriteString(lineEnded(e.Text))
	for _, sub := range s.dependencies(e) {
		b.WriteString(strings.Repeat("=", 80) + "\nMSG: " + sub.Ref.Short() + "\n" + lineEnded(sub.Text))
	}
	return b.String()
}

// lineEnded returns the text with one line end at its end, or the empty string.
func lineEnded(text string) string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return ""
	}
	return text + "\n"
}
