package idl_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/idl"
)

var toy = idl.Ref{Package: "toy_msgs", Kind: "msg", Name: "Toy"}

func TestTypes(t *testing.T) {
	for text, want := range map[string]idl.Type{
		"bool":                   {Primitive: idl.Bool},
		"byte":                   {Primitive: idl.Uint8, Octet: true},
		"char[24]":               {Primitive: idl.Uint8, Shape: idl.Array, Size: 24},
		"float64[]":              {Primitive: idl.Float64, Shape: idl.Sequence},
		"float32[<=3]":           {Primitive: idl.Float32, Shape: idl.Sequence, Size: 3},
		"string":                 {Primitive: idl.String},
		"string<=5":              {Primitive: idl.String, StringMax: 5},
		"string<=5[<=2]":         {Primitive: idl.String, StringMax: 5, Shape: idl.Sequence, Size: 2},
		"Other":                  {Message: idl.Ref{Package: "toy_msgs", Kind: "msg", Name: "Other"}},
		"std_msgs/Header":        {Message: idl.Ref{Package: "std_msgs", Kind: "msg", Name: "Header"}},
		"std_msgs/msg/Header[2]": {Message: idl.Ref{Package: "std_msgs", Kind: "msg", Name: "Header"}, Shape: idl.Array, Size: 2},
	} {
		m, err := idl.ParseMessage(toy, "Toy.msg", text+" x")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := m.Fields[0].Type; got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestComments(t *testing.T) {
	m, err := idl.ParseMessage(toy, "Toy.msg", "# About\r\n# the message.\r\n\r\n# Far away.\n\n# About a,\nint32 a # at the end\n\nint32 b\n# About C.\nint32 C=1\n")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m.Comment, []string{"About", "the message."}) ||
		!reflect.DeepEqual(m.Fields[0].Comment, []string{"About a,", "at the end"}) ||
		m.Fields[1].Comment != nil ||
		!reflect.DeepEqual(m.Constants[0].Comment, []string{"About C."}) {
		t.Errorf("comments %+v", m)
	}
	m, err = idl.ParseMessage(toy, "Toy.msg", "# About a.\nint32 a\n")
	if err != nil {
		t.Fatal(err)
	}
	if m.Comment != nil || len(m.Fields[0].Comment) != 1 {
		t.Errorf("the comment of the first field is %q, of the message %q", m.Fields[0].Comment, m.Comment)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"int32", "no name"},
		{"\nwstring a", "Toy.msg:2: type \"wstring\" is not supported"},
		{"wstring<=3 a", "not supported"},
		{"int32 a\nint32 a", "Toy.msg:2: \"a\" is defined twice"},
		{"int32 A", "bad name"},
		{"int32 a_", "bad name"},
		{"int32 a__b", "bad name"},
		{"int32 1a", "bad name"},
		{"int33 a", "unknown type"},
		{"a/b/c/D a", "bad type"},
		{"int32[ a", "missing ]"},
		{"int32[0] a", "size"},
		{"int32[-1] a", "size"},
		{"int32[99999999] a", "size"},
		{"int32[<=] a", "size"},
		{"string<=x a", "size"},
		{"int32 lower=1", "bad name"},
		{"int32[2] A=1", "plain primitive"},
		{"std_msgs/Header A=1", "plain primitive"},
		{"int8 A=128", "no int8"},
		{"uint8 A=-1", "no uint8"},
		{"bool A=maybe", "no bool"},
		{"float64 A=inf", "not finite"},
		{"string A=\"open", "closing"},
		{"string A=\"a\"b\"", "closing"},
		{"string A=\"\\q\"", "escape"},
		{"std_msgs/Header a 1", "a message has none"},
		{"int32[2] a [1]", "1 values for a size of 2"},
		{"int32[<=1] a [1, 2]", "2 values for a size of 1"},
		{"int32[] a 1", "no list"},
		{"string<=2 a 'abc'", "longer"},
	} {
		_, err := idl.ParseMessage(toy, "Toy.msg", c.text)
		if !errors.Is(err, idl.ErrSyntax) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.want)
		}
	}
	if _, _, err := idl.ParseService(toy, "Toy.srv", "int32 a\n"); !errors.Is(err, idl.ErrSyntax) {
		t.Errorf("service of one part: error %v", err)
	}
	if _, _, err := idl.ParseService(toy, "Toy.srv", "int32 a\n---\nint32 b\nbad\n"); err == nil || !strings.Contains(err.Error(), "Toy.srv:4") {
		t.Errorf("line of an error in a response: %v", err)
	}
	if _, err := idl.ParseAction(toy, "Toy.action", "---\n"); !errors.Is(err, idl.ErrSyntax) {
		t.Errorf("action of two parts: error %v", err)
	}
	for _, ref := range []idl.Ref{{Package: "Bad", Kind: "msg", Name: "Toy"}, {Package: "toy", Kind: "msg", Name: "toy"}} {
		if _, err := idl.ParseMessage(ref, "x", ""); !errors.Is(err, idl.ErrSyntax) {
			t.Errorf("%v: error %v", ref, err)
		}
	}
}

// FuzzParse reads any text as each kind of definition: no panic.
func FuzzParse(f *testing.F) {
	f.Add("# c\nint32 a 1\nstring<=3[<=2] b ['x', \"y\"]\nint8 C=-1\n---\n---\nstd_msgs/Header h")
	f.Add("string A='\\")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = idl.ParseMessage(toy, "x", text)
		_, _, _ = idl.ParseService(toy, "x", text)
		_, _ = idl.ParseAction(toy, "x", text)
	})
}
