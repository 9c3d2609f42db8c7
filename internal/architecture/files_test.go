package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines bounds a file that is neither a test nor generated.
const maxLines = 600

// comparedWith holds programs of other languages that benchmarks run beside this module; no
// package is built from them.
var comparedWith = []string{"gps/bench/peers", "node/bench/peers"}

// emptyNames say nothing about what a file or package holds.
var emptyNames = []string{"util", "utils", "helper", "helpers", "common", "misc"}

// inAssembly is the only package with kernels in assembly.
const inAssembly = "gps/internal/kernel"

// generatedLine is what begins a generated file of any language.
var generatedLine = regexp.MustCompile(`\A// Code generated .* DO NOT EDIT\.\n`)

// file is a source file of the repository.
type file struct {
	path      string // from the repository's root, with slashes
	content   []byte
	syntax    *ast.File // nil unless Go
	test      bool
	generated bool
}

// folder is the file's folder in the form of within.
func (f file) folder() string { return "./" + filepath.ToSlash(filepath.Dir(f.path)) }

// names are those of the file, its folders and its package, without suffixes.
func (f file) names() []string {
	stem := strings.TrimSuffix(f.path, filepath.Ext(f.path))
	all := strings.Split(strings.TrimSuffix(stem, "_test"), "/")
	if f.syntax != nil {
		all = append(all, strings.TrimSuffix(f.syntax.Name.Name, "_test"))
	}
	return all
}

// files reads every Go, C and assembly file, whatever its build tags.
func files(t *testing.T) []file {
	t.Helper()
	var all []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "runs", "testdata"}, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		suffix := filepath.Ext(name)
		if !slices.Contains([]string{".go", ".c", ".h", ".s"}, suffix) {
			return nil
		}
		f := file{test: strings.HasSuffix(name, "_test.go")}
		if f.path, err = filepath.Rel(root, path); err != nil {
			return err
		}
		f.path = filepath.ToSlash(f.path)
		if f.content, err = os.ReadFile(path); err != nil {
			return err
		}
		if suffix == ".go" {
			f.syntax, err = parser.ParseFile(token.NewFileSet(), f.path, f.content, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			f.generated = ast.IsGenerated(f.syntax)
		} else {
			f.generated = generatedLine.Match(f.content)
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no source file below %s", root)
	}
	return all
}

func TestFiles(t *testing.T) {
	for _, f := range files(t) {
		if lines := bytes.Count(f.content, []byte("\n")); lines > maxLines && !f.test && !f.generated {
			t.Errorf("%s has %d lines, at most %d are allowed: one concept per file", f.path, lines, maxLines)
		}
		if strings.HasSuffix(f.path, ".gen.go") && !f.generated {
			t.Errorf("%s is named as generated, but lacks the line that says so", f.path)
		}
		for _, name := range f.names() {
			if slices.Contains(emptyNames, name) {
				t.Errorf("%s: %q says nothing about what is in there", f.path, name)
			}
		}
		if filepath.Ext(f.path) == ".s" {
			if f.folder() != "./"+inAssembly || !f.generated {
				t.Errorf("%s: assembly is allowed in %s only, written by its generator", f.path, inAssembly)
			}
			continue
		}
		if f.syntax == nil {
			if !within(f.folder(), withC...) && !within(f.folder(), comparedWith...) {
				t.Errorf("%s: C is allowed in %s only", f.path, strings.Join(withC, ", "))
			}
			continue
		}
		for _, i := range f.syntax.Imports {
			if i.Path.Value == `"C"` && !within(f.folder(), withC...) {
				t.Errorf("%s imports \"C\", which is allowed in %s only", f.path, strings.Join(withC, ", "))
			}
		}
		for _, d := range f.syntax.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" && !f.generated {
				t.Errorf("%s has an init function: what a program needs, it constructs", f.path)
			}
		}
	}
}
