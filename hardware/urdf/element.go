package urdf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// element is an XML element of the description that is read, with those of its children
// that are.
type element struct {
	name     string
	line     int
	attrs    map[string]string
	children map[string]*element
}

// document is a description's XML.
type document struct {
	robot         *element
	links, joints []*element
}

// read lists the children that are read, by parent. All but links and joints come once.
var read = map[string][]string{
	"robot":    {"link", "joint"},
	"link":     {"inertial"},
	"inertial": {"origin", "mass", "inertia"},
	"joint":    {"parent", "child", "origin", "axis", "limit", "dynamics", "mimic"},
}

// builder makes a document of XML tokens.
type builder struct {
	source
	doc    document
	space  string          // namespace of <robot>, and so of URDF
	xacros map[string]bool // namespaces of the prefix xacro
	open   []frame         // elements that are not closed yet
}

type frame struct {
	kept    *element // nil for an element that is passed over
	foreign bool     // within an element of another program's, such as <gazebo>
}

// readDocument keeps the parts of XML that Parse needs. encoding/xml knows no entities but
// the five of XML itself, so what is read is never longer than data.
func readDocument(data []byte, src source) (*document, error) {
	if len(data) > maxBytes {
		return nil, src.errorf(1, "the description is longer than %d MiB; is it a robot description?", maxBytes>>20)
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") || strings.EqualFold(charset, "ascii") {
			return r, nil
		}
		return nil, errors.New("save the description as UTF-8")
	}
	b := builder{source: src, xacros: map[string]bool{"xacro": true}}
	for {
		line, _ := d.InputPos()
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, b.syntaxError(line, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = b.start(t, line)
		case xml.EndElement:
			b.open = b.open[:len(b.open)-1]
		case xml.CharData:
			if len(b.open) == 0 && len(bytes.TrimSpace(t)) > 0 {
				err = b.errorf(line, "text outside of <robot>: %.40q", t)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if b.doc.robot == nil {
		return nil, b.errorf(1, "no <robot> element: the description is empty")
	}
	return &b.doc, nil
}

func (b *builder) syntaxError(line int, err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return b.errorf(syntax.Line, "not XML: %.300s", syntax.Msg)
	}
	return b.errorf(line, "not XML that can be read: %.300s", err)
}

func (b *builder) start(t xml.StartElement, line int) error {
	if len(b.open) >= maxDepth {
		return b.errorf(line, "more than %d elements within each other", maxDepth)
	}
	if len(b.open) == 0 {
		if b.doc.robot != nil {
			return b.errorf(line, "<%.60s> after </robot>, need one <robot> element and nothing else", t.Name.Local)
		}
		if t.Name.Local != "robot" {
			return b.errorf(line, "the document is <%.60s>, need <robot>, the root of URDF", t.Name.Local)
		}
		b.space = t.Name.Space
	}
	top := frame{}
	if len(b.open) > 0 {
		top = b.open[len(b.open)-1]
	}
	keep := len(b.open) == 0 || top.kept != nil && t.Name.Space == b.space && slices.Contains(read[top.kept.name], t.Name.Local)
	foreign := top.foreign || len(b.open) == 1 && !keep
	if err := b.checkXacro(t, line, foreign); err != nil {
		return err
	}
	if !keep {
		b.open = append(b.open, frame{foreign: foreign})
		return nil
	}
	e, err := b.element(t, line)
	if err != nil {
		return err
	}
	b.open = append(b.open, frame{kept: e})
	return b.attach(top.kept, e)
}

func (b *builder) element(t xml.StartElement, line int) (*element, error) {
	e := &element{name: t.Name.Local, line: line, attrs: map[string]string{}, children: map[string]*element{}}
	for _, a := range t.Attr {
		if a.Name.Space != "" {
			continue
		}
		if _, twice := e.attrs[a.Name.Local]; twice {
			return nil, b.errorf(line, "<%s> has the attribute %.60s twice", e.name, a.Name.Local)
		}
		e.attrs[a.Name.Local] = a.Value
	}
	return e, nil
}

// attach hangs e from its parent, which is nil for <robot>.
func (b *builder) attach(parent, e *element) error {
	switch {
	case parent == nil:
		b.doc.robot = e
	case e.name == "link":
		b.doc.links = append(b.doc.links, e)
	case parent.name == "robot":
		b.doc.joints = append(b.doc.joints, e)
	case parent.children[e.name] != nil:
		return b.errorf(e.line, "a second <%s> in <%s name=%.60q>, the first is in line %d; need one",
			e.name, parent.name, parent.attrs["name"], parent.children[e.name].line)
	default:
		parent.children[e.name] = e
	}
	if len(b.doc.links) > maxLinks || len(b.doc.joints) > maxLinks {
		return b.errorf(e.line, "more than %d links or joints", maxLinks)
	}
	return nil
}

// checkXacro finds what xacro would have replaced. The elements of other programs may hold
// ${} of their own.
func (b *builder) checkXacro(t xml.StartElement, line int, foreign bool) error {
	left := ""
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns" && a.Name.Local == "xacro":
			b.xacros[a.Value] = true
		case b.isXacro(a.Name):
			left = fmt.Sprintf("the attribute xacro:%.60s", a.Name.Local)
		case !foreign && (strings.Contains(a.Value, "${") || strings.Contains(a.Value, "$(")):
			left = fmt.Sprintf("%.60s=%.60q in <%.60s>", a.Name.Local, a.Value, t.Name.Local)
		}
	}
	if b.isXacro(t.Name) {
		left = fmt.Sprintf("<xacro:%.60s>", t.Name.Local)
	}
	if left == "" {
		return nil
	}
	return b.errorf(line, "%s is xacro that is not expanded yet: run xacro on the file and use what it prints", left)
}

func (b *builder) isXacro(name xml.Name) bool {
	return b.xacros[name.Space] || strings.HasSuffix(name.Space, "/xacro")
}
