package description_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"guidedpolicysearch/msgs/description"
	"guidedpolicysearch/msgs/idl"
)

// definitions returns a set of all packages of this repository.
func definitions(t testing.TB) *description.Set {
	t.Helper()
	s := description.NewSet()
	add := func(pkg, dir string) {
		if err := s.AddPackage(pkg, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
	dirs, err := filepath.Glob("../interfaces/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%d packages, error %v", len(dirs), err)
	}
	for _, dir := range dirs {
		add(filepath.Base(dir), dir)
	}
	add("guided_policy_search_msgs", "..")
	add("example_msgs", "../gen/testdata/interfaces/example_msgs")
	return s
}

// hashes reads a file of hashes by type.
func hashes(t testing.TB, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]string
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return h
}

// TestHashes compares with what rosidl_generator_type_description 4.6 computes: in
// jazzy.json from the definitions that Jazzy ships, in own.json from those of this
// repository. Of rmw_dds_common and control_msgs this repository has Humble's, which are other
// types than Jazzy's.
func TestHashes(t *testing.T) {
	s, jazzy, own := definitions(t), hashes(t, "testdata/jazzy.json"), hashes(t, "testdata/own.json")
	for _, name := range s.Names() {
		want := jazzy[name]
		if want == "" {
			want = own[name]
		}
		d, err := s.Describe(name)
		if err != nil {
			t.Error(err)
		} else if got := d.Hash(); got != want {
			t.Errorf("%s: hash %q, want %q", name, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	s := definitions(t)
	d, err := s.Describe("guided_policy_search_msgs/action/Train")
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, r := range d.Referenced {
		if r.Name <= last {
			t.Errorf("%s after %s", r.Name, last)
		}
		last = r.Name
		if part := strings.Contains(r.Name, "/Train_"); part != (r.Source.Encoding == description.Implicit) || part != (r.Source.Text == "") {
			t.Errorf("source of %s: %+v", r.Name, r.Source)
		}
	}
	if d.Source.Encoding != "action" || !strings.Contains(d.Source.Text, "uint32 iterations") || strings.Count(d.Source.Text, "---") != 2 {
		t.Errorf("source %+v", d.Source)
	}
	if _, err := s.Describe("a/msg/B"); !errors.Is(err, description.ErrUnknown) {
		t.Errorf("unknown type: %v", err)
	}
}

// TestDefaults holds default values to the text that rosidl gives them.
func TestDefaults(t *testing.T) {
	dir := fstest.MapFS{"msg/A.msg": {Data: []byte(strings.Join([]string{
		"bool a true", "bool b false", "uint8 c 65", "int64 d -9223372036854775808", "float32 e -1.5", "float32 f 0.1",
		"float64 g 1e-3", "float64 h 1e-5", "float64 i 1e16", "float64 j 100000000", "float64 k 0", "string l 'abc'",
		"bool[2] m [true, false]", "string[2] n ['a, b', c]", "float32[] o [0.5, -2]", "int8[1] p [3]", "string[1] q [\"it's\"]", "int8 r",
	}, "\n"))}}
	s := description.NewSet()
	if err := s.AddPackage("toy", dir); err != nil {
		t.Fatal(err)
	}
	d, err := s.Describe("toy/msg/A")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"True", "False", "65", "-9223372036854775808", "-1.5", "0.1", "0.001", "1e-05", "1e+16", "100000000.0", "0.0", "abc",
		"(True, False)", "('a, b', 'c')", "(0.5, -2.0)", "(3,)", `("it's",)`, ""}
	for i, f := range d.Fields {
		if f.Default != want[i] {
			t.Errorf("%s: default %q, want %q", f.Name, f.Default, want[i])
		}
	}
}

func TestErrors(t *testing.T) {
	for file, want := range map[string]error{"msg/A.msg": idl.ErrSyntax, "srv/A.srv": idl.ErrSyntax, "action/A.action": idl.ErrSyntax} {
		err := description.NewSet().AddPackage("toy", fstest.MapFS{file: {Data: []byte("int8\n---\n---\n")}})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "toy/"+file) {
			t.Errorf("%s: error %v", file, err)
		}
	}
	s := description.NewSet()
	if err := s.AddPackage("toy", fstest.MapFS{"msg/A.msg": {Data: []byte("B b\n")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Describe("toy/msg/A"); !errors.Is(err, description.ErrUnknown) || !strings.Contains(err.Error(), "toy/msg/B, of field b of toy/msg/A") {
		t.Errorf("error %v", err)
	}
}

// TestInstalled compares with the hashes that an installed ROS 2, Iron or later, has beside
// its definitions. Packages with wstring, and those that need them, are left out.
func TestInstalled(t *testing.T) {
	s, want := description.NewSet(), map[string]string{}
	for _, prefix := range filepath.SplitList(os.Getenv("AMENT_PREFIX_PATH")) {
		files, err := filepath.Glob(filepath.Join(prefix, "share", "*", "*", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		added := map[string]bool{}
		for _, file := range files {
			dir := filepath.Dir(filepath.Dir(file))
			var described struct {
				Hashes []struct {
					Name string `json:"type_name"`
					Hash string `json:"hash_string"`
				} `json:"type_hashes"`
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if json.Unmarshal(text, &described) != nil || len(described.Hashes) == 0 {
				continue // some other JSON file
			}
			for _, h := range described.Hashes {
				want[h.Name] = h.Hash
			}
			if !added[dir] {
				added[dir] = true
				if err := s.AddPackage(filepath.Base(dir), os.DirFS(dir)); err != nil {
					t.Log(err)
				}
			}
		}
	}
	if len(want) == 0 {
		t.Skip("needs a sourced ROS 2 of Iron or later: there is none in AMENT_PREFIX_PATH")
	}
	compared := 0
	for name, hash := range want {
		if d, err := s.Describe(name); err != nil {
			t.Log(err)
		} else if got := d.Hash(); got != hash {
			t.Errorf("%s: hash %s, want %s", name, got, hash)
		} else {
			compared++
		}
	}
	t.Logf("%d of %d types agree", compared, len(want))
	if compared == 0 {
		t.Error("no type was compared")
	}
}

// FuzzDescribe describes any text as each kind of definition: no panic, and a hash for all
// that is complete.
func FuzzDescribe(f *testing.F) {
	f.Add("bool a true\nstring<=3[<=2] b ['x']\nbyte[4] c\n---\n---\nfloat64 d 1e-5")
	f.Add("string a '\\'\"'\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range []string{"msg/A.msg", "srv/A.srv", "action/A.action"} {
			s := description.NewSet()
			if s.AddPackage("toy", fs.FS(fstest.MapFS{file: {Data: []byte(text)}})) != nil {
				continue
			}
			for _, name := range s.Names() {
				d, err := s.Describe(name)
				if err != nil {
					if !errors.Is(err, description.ErrUnknown) {
						t.Fatal(err)
					}
				} else if len(d.Hash()) != len(description.Prefix)+64 {
					t.Fatalf("hash %q", d.Hash())
				}
			}
		}
	})
}
