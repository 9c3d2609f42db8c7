// Package typecheck type-checks packages that are built with tags and call C, without the
// headers of that C: what a name of package C is, is taken for granted, all else is checked.
package typecheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// listed is the part of go list's output that is read.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	ImportMap  map[string]string
	Module     *struct{ Main bool }
	Error      *struct{ Err string }
}

// Packages type-checks the packages that match patterns, seen from folder, built with tags,
// and all that they need but the standard library, whose types are taken from the build cache.
// The result holds each checked package by import path. The error lists every mistake of the
// main module's packages, and every package that cannot be found or read.
func Packages(folder, tags string, patterns ...string) (map[string]*types.Package, error) {
	all, err := list(folder, append([]string{"-deps", "-tags", tags}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var standard []string
	for _, p := range all {
		if p.Standard && p.ImportPath != "unsafe" {
			standard = append(standard, p.ImportPath)
		}
	}
	c := checker{files: token.NewFileSet(), exports: map[string]string{}, checked: map[string]*types.Package{"unsafe": types.Unsafe}}
	if len(standard) > 0 {
		built, err := list(folder, append([]string{"-export"}, standard...)...)
		if err != nil {
			return nil, err
		}
		for _, p := range built {
			c.exports[p.ImportPath] = p.Export
		}
	}
	c.standard = importer.ForCompiler(c.files, "gc", c.export)
	for _, p := range all { // what a package needs comes before it
		if p.Error != nil {
			c.mistakes = append(c.mistakes, errors.New(strings.TrimSpace(p.Error.Err)))
		} else if !p.Standard {
			c.check(p)
		}
	}
	delete(c.checked, "unsafe")
	return c.checked, errors.Join(c.mistakes...)
}

func list(folder string, args ...string) ([]listed, error) {
	// With cgo on, go list tells the files that import "C" apart; it does not run cgo for them.
	c := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Dir,Export,Standard,GoFiles,CgoFiles,ImportMap,Module,Error"}, args...)...)
	c.Dir = folder
	c.Env = append(c.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", c, err, stderr.Bytes())
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		all = append(all, p)
	}
}

type checker struct {
	files    *token.FileSet
	standard types.Importer
	exports  map[string]string // export data of the standard library: its file by import path
	checked  map[string]*types.Package
	mistakes []error
}

func (c *checker) export(path string) (io.ReadCloser, error) {
	file := c.exports[path]
	if file == "" {
		return nil, fmt.Errorf("package %s of the standard library was not built", path)
	}
	return os.Open(file)
}

func (c *checker) check(p listed) {
	var syntax []*ast.File
	for _, name := range append(append([]string(nil), p.GoFiles...), p.CgoFiles...) {
		f, err := parser.ParseFile(c.files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			c.mistakes = append(c.mistakes, err)
			continue
		}
		syntax = append(syntax, f)
	}
	own := p.Module != nil && p.Module.Main
	config := types.Config{
		FakeImportC: true,
		Importer:    of{c, p.ImportMap},
		Error: func(err error) {
			// In other modules a struct of C's may have fields and methods that cannot be known
			// here. The type of what comes from C is "invalid"; no mistake is called that.
			if own && !strings.Contains(err.Error(), "invalid type") {
				c.mistakes = append(c.mistakes, err)
			}
		},
	}
	// Check's own error is the first of those given to Error.
	c.checked[p.ImportPath], _ = config.Check(p.ImportPath, c.files, syntax, nil)
}

// of resolves the imports of one package.
type of struct {
	*checker
	renamed map[string]string
}

func (i of) Import(path string) (*types.Package, error) {
	if to, ok := i.renamed[path]; ok {
		path = to
	}
	if p, ok := i.checked[path]; ok {
		return p, nil
	}
	return i.standard.Import(path)
}
