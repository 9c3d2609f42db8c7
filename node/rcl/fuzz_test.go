package rcl

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"guidedpolicysearch/node/rcl/rcltest"
)

// Seeds are the files and arguments of the vectors, beside the kept corpora
// in testdata/fuzz.

func vectorSeeds(f *testing.F, name string, each func(files map[string]string, args []string)) {
	f.Helper()
	for _, c := range rcltest.Cases[struct {
		Files map[string]string
		Args  []string
	}](f, name) {
		each(c.Files, c.Args)
	}
}

// FuzzFile: any bytes give parameters or an error with a place; what is given out is well
// formed and reads back as the same value.
func FuzzFile(f *testing.F) {
	vectorSeeds(f, "params.json", func(files map[string]string, _ []string) {
		for _, text := range files {
			f.Add([]byte(text))
		}
	})
	f.Fuzz(func(t *testing.T, text []byte) {
		var s store
		if err := s.readText(text, Position{File: "a.yaml"}); err != nil {
			var source *SourceError
			if !errors.As(err, &source) || !errors.Is(err, ErrParameters) || source.Source.File != "a.yaml" {
				t.Errorf("%#v", err)
			}
			return
		}
		a := &Args{stores: []*store{&s}}
		for _, n := range s.nodes {
			if err := validateNodeKey(n.key); err != nil {
				t.Errorf("node key %q: %v", n.key, err)
			}
		}
		overrides, _ := a.Overrides("/a/talker")
		for _, o := range overrides {
			checkReadsBack(t, o.Value)
			if o.Source.Line < 1 || o.Source.Column < 1 {
				t.Errorf("%s: no place: %+v", o.Name, o.Source)
			}
		}
		a.UnmatchedNodeKeys("/a/talker")
	})
}

func checkReadsBack(t *testing.T, v Value) {
	t.Helper()
	for _, s := range append([]string{v.Str}, v.Strs...) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("string %q came out of YAML", s)
			return
		}
	}
	back, err := ParseValue(v.String(), Position{Argument: "-p"})
	if err != nil || !back.Equal(v) {
		t.Errorf("%s %s reads back as %s %s, %v", v.Type, v, back.Type, back, err)
	}
}

// FuzzArguments: any arguments (separated by NUL) give Args or an error of this package.
func FuzzArguments(f *testing.F) {
	vectorSeeds(f, "args.json", func(_ map[string]string, args []string) {
		f.Add(strings.Join(args, "\x00"))
	})
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\x00")
		for i, arg := range args {
			if arg == "--params-file" && i+1 < len(args) {
				args[i+1] = "testdata/none.yaml" // no file of this machine
			}
		}
		a, err := Parse(args)
		if err != nil {
			var source *SourceError
			if !errors.As(err, &source) || !errors.Is(err, ErrArguments) && !errors.Is(err, ErrParameters) {
				t.Errorf("%#v", err)
			}
			return
		}
		if err := a.Check(); err != nil && !errors.Is(err, ErrArguments) {
			t.Errorf("%#v", err)
		}
		node, err := a.Node("talker", "/a")
		if err != nil {
			if !errors.Is(err, ErrName) {
				t.Errorf("%#v", err)
			}
			return
		}
		for _, name := range []string{"chatter", "/chatter", "~/chatter", "{node}/x"} {
			full, err := a.ResolveTopic(node, name)
			if err == nil {
				err = ValidateFullTopicName(full)
			}
			if err != nil && !errors.Is(err, ErrName) {
				t.Errorf("%#v", err)
			}
		}
		overrides, _ := a.Overrides(node.FQN())
		for _, o := range overrides {
			checkReadsBack(t, o.Value)
		}
	})
}
