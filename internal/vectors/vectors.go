// Package vectors reads the reference vectors that tests compare with: inputs and
// outputs of reference implementations, one JSON file per case (gps) or per set of
// cases (donk).
//
// Where the vectors come from, first match wins:
//
//  1. the folder named by the environment variable GPS_VECTORS_DIR: one that holds
//     gps/ and donk/, or one that holds such JSON files itself. A relative path starts
//     at the root of the module, whichever package's tests read it;
//  2. ../shared/vectors beside the repository;
//  3. the compressed copy in testdata, which has every kind but leaves out the
//     largest cases (rebuild it with go run ./internal/vectors/pack).
//
// A kind or file that the first source lacks is taken from the next one, and the
// test's log says so. The package is for tests only: every failure ends the test.
package vectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"strings"
	"testing"
)

// Case is one reference case.
type Case struct {
	// Name and Kind identify the case; Note is the reference's remark.
	Name, Kind, Note string
	// Tolerance bounds |mine - given| / (1 + |given|), element by element; 0 in
	// donk cases, whose tolerances are in words in their README.
	Tolerance float64
	// Defect says where the outputs follow a fault of the reference; empty if nowhere.
	Defect string
	// Inputs and Outputs are the data. In a donk case both are the whole case.
	Inputs, Outputs Node
}

// errNoCase marks a source without the wanted kind or file.
var errNoCase = errors.New("vectors: no such case")

// GPS returns all gps cases of the given kinds, sorted by file name. It fails the
// test if there is none of a kind.
func GPS(t testing.TB, kinds ...string) []Case {
	t.Helper()
	var cases []Case
	for _, kind := range kinds {
		found, err := firstOf(t, kind, func(s source) ([]Case, error) { return s.kind(t, kind) })
		if err != nil {
			t.Fatalf("vectors: gps kind %q: %v", kind, err)
		}
		cases = append(cases, found...)
	}
	return cases
}

// Run runs f as one subtest per gps case of a kind, named after the case; a wrong key
// or shape ends the subtest alone.
func Run(t *testing.T, kind string, f func(t *testing.T, c Case)) {
	t.Helper()
	for _, c := range GPS(t, kind) {
		t.Run(c.Name, func(t *testing.T) {
			c.Inputs.t, c.Outputs.t = t, t
			f(t, c)
		})
	}
}

// Donk returns the cases of one donk file ("fit_lr", without folder and suffix). Name
// is the case's name; Inputs and Outputs are both the whole case.
func Donk(t testing.TB, file string) []Case {
	t.Helper()
	cases, err := firstOf(t, file, func(s source) ([]Case, error) { return s.set(t, file) })
	if err != nil {
		t.Fatalf("vectors: donk file %q: %v", file, err)
	}
	return cases
}

// Kinds returns the gps kinds that the first source holds, sorted: the list that the
// tests of all packages together have to cover.
func Kinds(t testing.TB) []string {
	t.Helper()
	list, err := sources()
	if err != nil {
		t.Fatalf("%v", err)
	}
	seen := map[string]bool{}
	names, err := list[0].gpsFiles()
	if err != nil {
		t.Fatalf("vectors: %s: %v", list[0].name, err)
	}
	for _, name := range names {
		kind, err := list[0].kindOf(name)
		if err != nil {
			t.Fatalf("vectors: %v", err)
		}
		if kind != "" {
			seen[kind] = true
		}
	}
	kinds := make([]string, 0, len(seen))
	for kind := range seen {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	return kinds
}

// firstOf asks the sources in turn until one has the wanted cases.
func firstOf(t testing.TB, what string, ask func(source) ([]Case, error)) ([]Case, error) {
	t.Helper()
	list, err := sources()
	if err != nil {
		return nil, err
	}
	for i, s := range list {
		cases, err := ask(s)
		if errors.Is(err, errNoCase) {
			continue
		}
		if i > 0 && err == nil {
			t.Logf("vectors: %s is not in %s, taken from %s", what, list[0].name, s.name)
		}
		return cases, err
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.name
	}
	return nil, fmt.Errorf("%w in %s; set GPS_VECTORS_DIR to a folder that has it", errNoCase, strings.Join(names, ", "))
}

// header holds the fields of a gps file.
type header struct {
	Case, Kind, Note string
	Tolerance        float64
	Defect           string `json:"reference_defect"`
	Inputs, Outputs  any
}

// kind returns the source's gps cases of one kind.
func (s source) kind(t testing.TB, kind string) ([]Case, error) {
	names, err := s.gpsFiles()
	if err != nil {
		return nil, err
	}
	shared := &sharedFiles{source: s, data: map[string]any{}}
	var cases []Case
	for _, name := range names {
		if k, err := s.kindOf(name); err != nil {
			return nil, err
		} else if k != kind {
			continue
		}
		var h header
		if err := s.decode(name, &h); err != nil {
			return nil, err
		}
		if h.Tolerance <= 0 || h.Inputs == nil || h.Outputs == nil {
			return nil, fmt.Errorf("%s: want a positive tolerance, inputs and outputs", name)
		}
		node := func(part string, v any) Node {
			return Node{t: t, value: v, path: h.Case + ": " + part, shared: shared}
		}
		cases = append(cases, Case{Name: h.Case, Kind: h.Kind, Note: h.Note, Tolerance: h.Tolerance, Defect: h.Defect,
			Inputs: node("inputs", h.Inputs), Outputs: node("outputs", h.Outputs)})
	}
	if len(cases) == 0 {
		return nil, errNoCase
	}
	return cases, nil
}

// set returns the cases of one donk file of the source.
func (s source) set(t testing.TB, file string) ([]Case, error) {
	name := s.path("donk", file+".json")
	var content struct{ Cases []map[string]any }
	if err := s.decode(name, &content); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoCase
	} else if err != nil {
		return nil, err
	}
	if len(content.Cases) == 0 {
		return nil, fmt.Errorf("%s: want a list of cases", name)
	}
	cases := make([]Case, 0, len(content.Cases))
	for i, c := range content.Cases {
		title, _ := c["name"].(string)
		if title == "" {
			title = fmt.Sprint(i)
		}
		kind, _ := c["kind"].(string)
		n := Node{t: t, value: map[string]any(c), path: file + "/" + title}
		cases = append(cases, Case{Name: title, Kind: kind, Inputs: n, Outputs: n})
	}
	return cases, nil
}

// kindOf reads a gps file up to its kind; "" for a file that is no case.
func (s source) kindOf(name string) (string, error) {
	f, err := s.files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return "", fmt.Errorf("%s: want a JSON object (%v)", name, err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if kind, ok := value.(string); ok && key == "kind" {
			return kind, nil
		}
	}
	return "", nil
}

// decode reads one JSON file.
func (s source) decode(name string, v any) error {
	f, err := s.files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
