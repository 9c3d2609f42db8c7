package pyyaml

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	// ErrInvalid is wrapped by every error: the text is no YAML, or not one document, or its
	// values cannot be made.
	ErrInvalid = errors.New("invalid YAML")
	// ErrSyntax is wrapped, beside ErrInvalid, where the text falls apart into tokens but these
	// are in no order that YAML knows (PyYAML's ParserError).
	ErrSyntax = errors.New("syntax error")
)

// Bounds on what is read.
const (
	maxInput = 16 << 20  // bytes
	maxNodes = 1_000_000 // values, those of aliases counted each time
	maxDepth = 500
)

// Load reads one document as yaml.safe_load does; an empty text is None.
func Load(text string) (v Value, err error) {
	if len(text) > maxInput {
		return Value{}, fmt.Errorf("%w: %d bytes, expected at most %d", ErrInvalid, len(text), maxInput)
	}
	// yaml.v3 is known to panic on some malformed input.
	defer func() {
		if r := recover(); r != nil {
			v, err = Value{}, fmt.Errorf("%w: %v", ErrInvalid, r)
		}
	}()
	if rest := strings.TrimLeft(text, " \n"); rest != "" && strings.IndexByte(",]}", rest[0]) >= 0 {
		return Value{}, fmt.Errorf("%w: %w: %q begins no value", ErrInvalid, ErrSyntax, rest[0])
	}
	if strayTab(text) {
		return Value{}, fmt.Errorf("%w: found a tab between values, expected spaces", ErrInvalid)
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return Value{}, nil
	} else if err != nil {
		return Value{}, parseError(err, parserProblems)
	}
	if err := decoder.Decode(&second); err == nil {
		return Value{}, fmt.Errorf("%w: expected a single document", ErrInvalid)
	} else if !errors.Is(err, io.EOF) {
		return Value{}, parseError(err, documentProblems)
	}
	if len(document.Content) == 0 {
		return Value{}, nil
	}
	if err := checkAnchors(document.Content[0], map[string]bool{}); err != nil {
		return Value{}, err
	}
	c := constructor{open: map[*yaml.Node]bool{}}
	return c.construct(document.Content[0], 0)
}

// checkAnchors refuses an anchor that is there twice, which YAML allows.
func checkAnchors(n *yaml.Node, seen map[string]bool) error {
	if n.Anchor != "" {
		if seen[n.Anchor] {
			return invalid(n, "found duplicate anchor %q", n.Anchor)
		}
		seen[n.Anchor] = true
	}
	for _, child := range n.Content {
		if err := checkAnchors(child, seen); err != nil {
			return err
		}
	}
	return nil
}

// What the parser, which puts tokens in order, says; everything else is the scanner's.
var (
	documentProblems = []string{
		"did not find expected <document start>", "found duplicate %YAML directive",
		"found incompatible YAML document", "found duplicate %TAG directive",
		"found unknown directive name", // which PyYAML skips, to miss a document after it
	}
	parserProblems = append([]string{
		"did not find expected <stream-start>", "found undefined tag handle", "did not find expected node content",
		"did not find expected '-' indicator", "did not find expected key", "did not find expected ',' or ']'",
		"did not find expected ',' or '}'",
	}, documentProblems...)
)

func parseError(err error, syntax []string) error {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	for _, s := range syntax {
		if strings.HasSuffix(problem, s) {
			return fmt.Errorf("%w: %w: %s", ErrInvalid, ErrSyntax, problem)
		}
	}
	return fmt.Errorf("%w: %s", ErrInvalid, problem)
}
