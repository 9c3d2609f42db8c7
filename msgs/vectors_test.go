package msgs_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/cdr"
)

// vectorFile is one file of a folder of vectors: golden messages of one type, or
// malformed inputs of several.
type vectorFile struct {
	Type  string       `json:"type"`
	Cases []vectorCase `json:"cases"`
}

// vectorCase is one message; Type and Expected are set for malformed inputs.
type vectorCase struct {
	Name     string         `json:"name"`
	Fields   map[string]any `json:"fields"`
	CDRHex   string         `json:"cdr_hex"`
	Type     string         `json:"type"`
	Expected string         `json:"expected"`
}

// readVectors returns the JSON files of the folder in CDR_VECTORS_DIR (relative to the
// repository's root), of the default folder if it is there, or of the copy in testdata.
func readVectors(t testing.TB) map[string][]byte {
	t.Helper()
	const root = ".."
	dir := os.Getenv("CDR_VECTORS_DIR")
	if dir == "" {
		dir = "../shared/vectors/cdr"
		if _, err := os.Stat(filepath.Join(root, dir)); errors.Is(err, os.ErrNotExist) {
			return readArchive(t, "testdata/cdr_vectors.tar.gz")
		}
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no vectors (*.json) in %s", dir)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d files from %s", len(files), dir)
	return files
}

// readArchive returns the files of a .tar.gz.
func readArchive(t testing.TB, path string) map[string][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// parseVectors reads a file with its numbers as they are written.
func parseVectors(t testing.TB, name string, text []byte) vectorFile {
	t.Helper()
	var v vectorFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(v.Cases) == 0 {
		t.Fatalf("%s: no cases", name)
	}
	return v
}

// messageTypes returns the Go type of every message by its ROS name.
func messageTypes() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, m := range newMessages() {
		types[m.TypeName()] = reflect.TypeOf(m).Elem()
	}
	return types
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) { checkVectors(t, readVectors(t)) }

// TestShippedCopy runs the copy in testdata also where another folder is there.
func TestShippedCopy(t *testing.T) {
	files := readArchive(t, "testdata/cdr_vectors.tar.gz")
	if len(files) != 66 || files["malformed.json"] == nil {
		t.Errorf("%d files, want 65 types and malformed.json", len(files))
	}
	checkVectors(t, files)
}

func checkVectors(t *testing.T, files map[string][]byte) {
	types := messageTypes()
	for name, text := range files {
		if strings.HasPrefix(name, "type_hashes") {
			t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) { typeHashes(t, text) })
			continue
		}
		file := parseVectors(t, name, text)
		if file.Type != "" {
			t.Run(file.Type, func(t *testing.T) {
				typ, ok := types[file.Type]
				if !ok {
					t.Fatalf("%s: no such message type", name)
				}
				golden(t, typ, file.Cases)
			})
			continue
		}
		t.Run(strings.TrimSuffix(name, ".json"), func(t *testing.T) {
			for _, c := range file.Cases {
				t.Run(c.Name, func(t *testing.T) {
					typ, ok := types[c.Type]
					if !ok {
						t.Fatalf("%s: no message type %q", name, c.Type)
					}
					malformed(t, typ, c)
				})
			}
		})
	}
}

// typeHashes checks the hashes of the types that are in a map by name. Those of rmw_dds_common and
// control_msgs are Humble's here, and have other hashes later.
func typeHashes(t *testing.T, text []byte) {
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	n := 0
	check := func(m msgs.Type) {
		if hash := want[m.TypeName()]; hash != "" {
			n++
			if m.TypeHash() != hash {
				t.Errorf("%s: hash %s, want %s", m.TypeName(), m.TypeHash(), hash)
			}
		}
	}
	for _, m := range newMessages() {
		check(m)
	}
	for _, m := range newOthers() {
		check(m)
	}
	if n < 40 {
		t.Errorf("%d types are in the map, want most of those that there are", n)
	}
}

// golden checks messages that a ROS 2 node wrote: the same bytes from the fields, the
// same fields from the bytes in both byte orders, into a fresh message and into one
// that holds another case.
func golden(t *testing.T, typ reflect.Type, cases []vectorCase) {
	used := reflect.New(typ).Interface().(msgs.Message)
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d_%s", i, c.Name), func(t *testing.T) {
			want := unhex(t, c.CDRHex)
			m := reflect.New(typ)
			if err := setStruct(m.Elem(), c.Fields); err != nil {
				t.Fatal(err)
			}
			if got := m.Interface().(msgs.Message).AppendCDR(nil); !bytes.Equal(got, want) {
				t.Fatalf("encoded\n%x, want\n%x", got, want)
			}
			if got := m.Interface().(msgs.Message).AppendCDR([]byte("xyz")); !bytes.Equal(got[3:], want) {
				t.Fatalf("encoded behind 3 bytes\n%x, want\n%x", got[3:], want)
			}
			if got := referenceEncode(m.Elem(), false); !bytes.Equal(got, want) {
				t.Fatalf("the test's own encoder gives\n%x, want\n%x", got, want)
			}
			for _, src := range [][]byte{want, referenceEncode(m.Elem(), true), append(want[:len(want):len(want)], 0, 0, 0)} {
				fresh := reflect.New(typ).Interface().(msgs.Message)
				for _, got := range []msgs.Message{fresh, used} {
					if err := got.UnmarshalCDR(src); err != nil {
						t.Fatal(err)
					}
					if diff := difference(reflect.ValueOf(got).Elem(), m.Elem()); diff != "" {
						t.Fatalf("decoded: %s", diff)
					}
				}
			}
		})
	}
}

// malformed checks one input of the malformed set.
func malformed(t *testing.T, typ reflect.Type, c vectorCase) {
	src := unhex(t, c.CDRHex)
	m := reflect.New(typ)
	before := allocated()
	err := m.Interface().(msgs.Message).UnmarshalCDR(src)
	if used, limit := allocated()-before, uint64(64*len(src)+1<<16); used > limit {
		t.Errorf("%d bytes allocated for an input of %d", used, len(src))
	}
	switch c.Expected {
	case "error":
		var e *cdr.Error
		if !errors.As(err, &e) {
			t.Fatalf("error %v, want a *cdr.Error", err)
		}
		if e.Type != c.Type || e.Offset < 0 || e.Offset > len(src) || e.Detail == "" {
			t.Errorf("error lacks type, offset or detail: %#v", e)
		}
	case "ok":
		if err != nil {
			t.Fatal(err)
		}
		if c.Fields == nil {
			return
		}
		want := reflect.New(typ)
		if err := setStruct(want.Elem(), c.Fields); err != nil {
			t.Fatal(err)
		}
		if diff := difference(m.Elem(), want.Elem()); diff != "" {
			t.Fatalf("decoded: %s", diff)
		}
	case "either":
	default:
		t.Fatalf("unknown verdict %q", c.Expected)
	}
}
