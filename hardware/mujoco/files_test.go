package mujoco

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSources(t *testing.T) {
	files := fstest.MapFS{
		"a/model.xml":  {Data: []byte("<mujoco><include file='b.xml'/>\n<asset><texture file='t.png'/><texture fileup='u.png'/><mesh file='m.stl'/></asset></mujoco>")},
		"a/b.xml":      {Data: []byte("<x><!-- <include file='no.xml'/> -- --><compiler texturedir='t' meshdir='m/'/></x>")},
		"a/t/t.png":    {Data: []byte("t")},
		"a/t/u.png":    {Data: []byte("u")},
		"a/m/m.stl":    {Data: []byte("m")},
		"a/m/else.stl": {Data: []byte("e")},
	}
	got, err := readSources(files, "a/model.xml")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range got {
		all = append(all, f.name)
	}
	if want := "model.xml b.xml t.png u.png m.stl"; strings.Join(all, " ") != want {
		t.Errorf("files are %v, want %s", all, want)
	}
	files["a/model.xml"].Data = []byte("<mujoco>\n<asset><mesh file='m/same.stl'/>\n<mesh file='n/Same.stl'/></asset></mujoco>")
	files["a/m/same.stl"], files["a/n/Same.stl"] = &fstest.MapFile{Data: []byte("1")}, &fstest.MapFile{Data: []byte("2")}
	if _, err := readSources(files, "a/model.xml"); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "same file name") {
		t.Errorf("%v, want ErrModel about two files of one name", err)
	}
}

// FuzzSources reads any text as a model: what comes back is one file per name, none of it
// empty, and comments hold nothing that is followed.
func FuzzSources(f *testing.F) {
	for _, seed := range []string{"<mujoco/>", "<mujoco><include file='b.xml'/></mujoco>", "<a><include file='../b.xml'/>", "<!-- -- -->", "<!-->", "<!--",
		"<mujoco><compiler meshdir='/'/><mesh file='b.xml'/></mujoco>", "<size nconmax='1e9'/>", "<texture width='-3' filefront=''/>", "<include file='.'/>",
		"<composite count='99 99 99'/>", "\xff\xfe<\x00", "<include file='model.xml'/>", "<include file='b\x00.xml'/>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if blank := withoutComments(data); len(blank) != len(data) || bytes.Count(blank, []byte("\n")) != bytes.Count(data, []byte("\n")) {
			t.Errorf("without comments %q is %q: want as many bytes and lines", data, blank)
		}
		files, err := readSources(fstest.MapFS{"model.xml": {Data: data}, "b.xml": {Data: []byte("<mujocoinclude><include file='b.xml'/></mujocoinclude>")}}, "model.xml")
		if err != nil {
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "model.xml") {
				t.Errorf("%v, want ErrModel that names the file", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, file := range files {
			if seen[file.name] || len(file.data) == 0 {
				t.Errorf("file %q of %d bytes, seen before: %v", file.name, len(file.data), seen[file.name])
			}
			seen[file.name] = true
		}
	})
}
