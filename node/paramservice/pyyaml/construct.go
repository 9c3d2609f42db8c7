package pyyaml

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// constructor makes values of nodes (SafeConstructor).
type constructor struct {
	nodes int
	open  map[*yaml.Node]bool // being constructed: an alias to one of them is a cycle
}

func invalid(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%w: line %d, column %d: %s", ErrInvalid, n.Line, n.Column, fmt.Sprintf(format, args...))
}

const standardTag = "tag:yaml.org,2002:"

// tagOf resolves the tag of a node; the tags of others than YAML itself keep their whole name.
func tagOf(n *yaml.Node) string {
	if n.Style&yaml.TaggedStyle != 0 {
		return strings.TrimPrefix(n.LongTag(), standardTag)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return tagList
	case yaml.MappingNode:
		return tagMap
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return tagString
	}
	return resolvePlain(n.Value)
}

func (c *constructor) construct(n *yaml.Node, depth int) (Value, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if c.nodes++; c.nodes > maxNodes || depth > maxDepth {
		return Value{}, invalid(n, "too many values or levels, expected at most %d values and %d levels", maxNodes, maxDepth)
	}
	if c.open[n] {
		return Value{}, invalid(n, "a value that contains itself")
	}
	tag := tagOf(n)
	if n.Kind == yaml.ScalarNode {
		return scalar(n, tag)
	}
	c.open[n] = true
	defer delete(c.open, n)
	isMap := n.Kind == yaml.MappingNode
	switch {
	case tag == tagList && !isMap:
		items, err := c.sequence(n, depth)
		return Value{Kind: List, Items: items}, err
	case tag == tagMap && isMap:
		entries, err := c.mapping(n, depth)
		return Value{Kind: Dict, Dict: entries}, err
	case tag == tagSet && isMap:
		entries, err := c.mapping(n, depth)
		v := Value{Kind: Set}
		for _, e := range entries {
			v.Items = append(v.Items, e.Key)
		}
		return v, err
	case (tag == tagOmap || tag == tagPairs) && !isMap:
		return c.pairs(n, depth)
	}
	return Value{}, invalid(n, "could not determine a constructor for the tag %q here", tag)
}

func (c *constructor) sequence(n *yaml.Node, depth int) ([]Value, error) {
	var items []Value
	for _, child := range n.Content {
		v, err := c.construct(child, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}

func (c *constructor) pairs(n *yaml.Node, depth int) (Value, error) {
	v := Value{Kind: List}
	for _, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			child = child.Alias
		}
		if child.Kind != yaml.MappingNode || len(child.Content) != 2 {
			return Value{}, invalid(child, "expected a mapping of length 1")
		}
		pair, err := c.sequence(child, depth)
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, Value{Kind: Tuple, Items: pair})
	}
	return v, nil
}

func (c *constructor) mapping(n *yaml.Node, depth int) ([]Entry, error) {
	content, err := c.flatten(n, depth)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	index := map[string]int{}
	for i := 0; i+1 < len(content); i += 2 {
		key, err := c.key(content[i], depth)
		if err != nil {
			return nil, err
		}
		value, err := c.construct(content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		id := identity(key)
		if at, twice := index[id]; twice {
			entries[at].Value = value
			continue
		}
		index[id] = len(entries)
		entries = append(entries, Entry{Key: key, Value: value})
	}
	return entries, nil
}

func (c *constructor) key(n *yaml.Node, depth int) (Value, error) {
	if n.Kind == yaml.ScalarNode && tagOf(n) == tagValue {
		return Value{Kind: String, Text: n.Value}, nil
	}
	v, err := c.construct(n, depth+1)
	if err == nil && (v.Kind == List || v.Kind == Dict || v.Kind == Set) {
		err = invalid(n, "found unhashable key")
	}
	return v, err
}

// identity is equal where Python's == is: True, 1 and 1.0 are one key.
func identity(v Value) string {
	switch v.Kind {
	case Bool:
		if v.Bool {
			return "int 1"
		}
		return "int 0"
	case Int:
		return "int " + v.Int.String()
	case Float:
		if f := new(big.Float).SetInt64(0); v.Float == v.Float && v.Float-v.Float == 0 && f.SetFloat64(v.Float).IsInt() {
			whole, _ := f.Int(nil)
			return "int " + whole.String()
		}
	}
	return v.Kind.String() + " " + v.Repr()
}

// flatten puts what "<<" merges before the other entries.
func (c *constructor) flatten(n *yaml.Node, depth int) ([]*yaml.Node, error) {
	var merged, own []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || tagOf(key) != tagMerge {
			own = append(own, key, value)
			continue
		}
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = nil
			for _, s := range value.Content {
				sources = append([]*yaml.Node{s}, sources...) // the first wins
			}
		}
		for _, s := range sources {
			if s.Kind == yaml.AliasNode {
				s = s.Alias
			}
			if s.Kind != yaml.MappingNode {
				return nil, invalid(s, "expected a mapping for merging")
			}
			if c.nodes += len(s.Content); c.nodes > maxNodes || depth > maxDepth || c.open[s] {
				return nil, invalid(s, "merged into itself, or too often")
			}
			part, err := c.flatten(s, depth+1)
			if err != nil {
				return nil, err
			}
			merged = append(merged, part...)
		}
	}
	return append(merged, own...), nil
}

func scalar(n *yaml.Node, tag string) (Value, error) {
	switch text := n.Value; tag {
	case tagNull:
		return Value{}, nil
	case tagBool:
		switch strings.ToLower(text) {
		case "yes", "true", "on":
			return Value{Kind: Bool, Bool: true}, nil
		case "no", "false", "off":
			return Value{Kind: Bool}, nil
		}
		return Value{}, invalid(n, "%q is no bool", text)
	case tagInt:
		i, ok := parseInt(text)
		if !ok {
			return Value{}, invalid(n, "%q is no integer", text)
		}
		return Value{Kind: Int, Int: i}, nil
	case tagFloat:
		x, ok := parseFloat(text)
		if !ok {
			return Value{}, invalid(n, "%q is no number", text)
		}
		return Value{Kind: Float, Float: x}, nil
	case tagString:
		if n.Style&^yaml.TaggedStyle == 0 && strings.Contains(text, "\t") {
			return Value{}, invalid(n, "found a tab after a word, expected spaces")
		}
		return Value{Kind: String, Text: text}, nil
	case tagBinary:
		data, ok := decodeBase64(text)
		if !ok {
			return Value{}, invalid(n, "failed to decode base64 data")
		}
		return Value{Kind: Bytes, Text: data}, nil
	case tagTimestamp:
		v, ok := parseDate(text)
		if !ok {
			return Value{}, invalid(n, "%q is no date", text)
		}
		return v, nil
	}
	return Value{}, invalid(n, "could not determine a constructor for the tag %q", tag)
}

// decodeBase64 passes over what is not of the alphabet, and ends at the padding, as Python does.
func decodeBase64(text string) (string, bool) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var digits []byte
	padding := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= utf8.RuneSelf:
			return "", false
		case c == '=':
			padding++
			if n := len(digits) % 4; n >= 2 && n+padding >= 4 {
				data, err := base64.RawStdEncoding.DecodeString(string(digits))
				return string(data), err == nil
			}
		case strings.IndexByte(alphabet, c) >= 0:
			digits = append(digits, c)
			padding = 0
		}
	}
	data, err := base64.StdEncoding.DecodeString(string(digits))
	return string(data), err == nil
}

// maxDigits is the length at which Python refuses to read a decimal integer.
const maxDigits = 4300

func parseInt(text string) (*big.Int, bool) {
	sign, s := splitSign(strings.ReplaceAll(text, "_", ""))
	if s == "" || s[0] == '+' || s[0] == '-' || len(s) > maxDigits {
		return nil, false
	}
	base := 10
	switch {
	case strings.HasPrefix(s, "0b"):
		base, s = 2, s[2:]
	case strings.HasPrefix(s, "0x"):
		base, s = 16, s[2:]
	case s[0] == '0' && s != "0":
		base = 8
	case strings.Contains(s, ":"):
		return sexagesimal(sign, strings.Split(s, ":"))
	}
	if s == "" || s[0] == '+' || s[0] == '-' {
		return nil, false
	}
	i, ok := new(big.Int).SetString(s, base)
	if ok && sign < 0 {
		i.Neg(i)
	}
	return i, ok
}

func sexagesimal(sign int64, parts []string) (*big.Int, bool) {
	sum := new(big.Int)
	for _, part := range parts {
		digit, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil, false
		}
		sum.Add(sum.Mul(sum, big.NewInt(60)), digit)
	}
	return sum.Mul(sum, big.NewInt(sign)), true
}

func splitSign(s string) (sign int64, rest string) {
	switch {
	case strings.HasPrefix(s, "-"):
		return -1, s[1:]
	case strings.HasPrefix(s, "+"):
		return 1, s[1:]
	}
	return 1, s
}

func parseFloat(text string) (float64, bool) {
	sign, s := splitSign(strings.ToLower(strings.ReplaceAll(text, "_", "")))
	switch s {
	case ".inf":
		s = "inf"
	case ".nan":
		s = "nan"
	}
	if strings.ContainsAny(s, "xp") {
		return 0, false // hexadecimal is Go's only
	}
	sum := 0.0
	parts := strings.Split(s, ":")
	base := 1.0
	for i := len(parts) - 1; i >= 0; i-- {
		x, err := strconv.ParseFloat(parts[i], 64)
		if err != nil && (x-x == 0 || x != x) { // what is too large is infinite
			return 0, false
		}
		sum += x * base
		base *= 60
	}
	return float64(sign) * sum, true
}
