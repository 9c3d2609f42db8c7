package rcl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds on what is read, far above any real parameter file.
const (
	maxFileSize   = 1 << 20 // bytes of one parameter file or value
	maxDepth      = 1000    // YAML collections inside each other
	maxNameLength = 4096    // bytes of one parameter name, joined with '.'
	maxParameters = 10000   // parameters of all files and arguments together
	maxNodes      = 1000    // node keys of all files and arguments together
)

type eventKind int

const (
	scalarEvent eventKind = iota
	aliasEvent
	sequenceStart
	sequenceEnd
	mappingStart
	mappingEnd
)

// event is one YAML event, as libyaml gives them to rcl; document events have no meaning there.
type event struct {
	kind   eventKind
	text   string // of a scalar, up to its first NUL: rcl handles C strings
	empty  bool   // a scalar of no bytes at all
	quoted bool   // a single- or double-quoted scalar
	pos    Position
}

// readEvents parses YAML text and hands every event of every document to emit, until an error.
// at is the place of the text: positions inside a file, the argument itself otherwise.
func readEvents(text []byte, at Position, emit func(event) error) (err error) {
	// yaml.v3 is known to panic on some malformed input.
	defer func() {
		if r := recover(); r != nil {
			err = &SourceError{Source: at, Problem: fmt.Sprintf("cannot be read as YAML: %v", r), Err: ErrParameters}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(acceptVersion(text)))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return syntaxError(err, at)
		}
		for _, root := range document.Content {
			if err := walk(root, 0, at, emit); err != nil {
				return err
			}
		}
	}
}

func walk(node *yaml.Node, depth int, at Position, emit func(event) error) error {
	e := event{pos: at}
	if at.Argument == "" {
		e.pos.Line, e.pos.Column = node.Line, node.Column
	}
	if depth > maxDepth {
		return &SourceError{Source: e.pos, Err: ErrParameters,
			Problem: fmt.Sprintf("nested too deep, expected at most %d levels", maxDepth)}
	}
	end := sequenceEnd
	switch node.Kind {
	case yaml.ScalarNode:
		e.text, _, _ = strings.Cut(node.Value, "\x00")
		e.empty = node.Value == ""
		e.quoted = node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
		return emit(e)
	case yaml.AliasNode:
		e.kind, e.text = aliasEvent, node.Value
		return emit(e)
	case yaml.SequenceNode:
		e.kind = sequenceStart
	case yaml.MappingNode:
		e.kind, end = mappingStart, mappingEnd
	}
	if err := emit(e); err != nil {
		return err
	}
	for _, child := range node.Content {
		if err := walk(child, depth+1, at, emit); err != nil {
			return err
		}
	}
	return emit(event{kind: end, pos: e.pos})
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntaxError moves the line that yaml.v3 names into the position.
func syntaxError(err error, at Position) error {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(problem); m != nil {
		problem = problem[len(m[0]):]
		if at.Argument == "" {
			at.Line, _ = strconv.Atoi(m[1])
		}
	}
	if strings.HasPrefix(problem, "mapping values are not allowed") {
		problem += quoteText
	}
	return &SourceError{Source: at, Problem: "not valid YAML: " + problem, Err: ErrParameters}
}

// quoteText says what to do where a text was read as a map.
const quoteText = `; a text that holds ": " must be quoted for YAML, inside the quotes of a shell: "'t > 9 ? q0 : 0'"`

var versionDirective = regexp.MustCompile(`^(%YAML[ \t]+1\.)2([ \t\r]|$)`)

// acceptVersion turns the directive %YAML 1.2, which libyaml takes and yaml.v3 refuses, into
// 1.1, wherever a directive can stand: before the first document and after a "..." line.
func acceptVersion(text []byte) []byte {
	if !bytes.Contains(text, []byte("%YAML")) {
		return text
	}
	lines := bytes.Split(text, []byte("\n"))
	atStart := true
	for i, line := range lines {
		switch {
		case bytes.HasPrefix(line, []byte("...")):
			atStart = true
		case len(bytes.TrimSpace(line)) == 0 || line[0] == '#':
		case atStart && line[0] == '%':
			lines[i] = versionDirective.ReplaceAll(line, []byte("${1}1$2"))
		default:
			atStart = false
		}
	}
	return bytes.Join(lines, []byte("\n"))
}
