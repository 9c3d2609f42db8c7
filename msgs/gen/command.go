package gen

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"io"
	"os"
	"path/filepath"
	"strings"

	"guidedpolicysearch/msgs/idl"
)

// Job is one run of the generator.
type Job struct {
	Sources []Source
	Out     string // folder of the Go packages
	List    string // file in Out with the functions newMessages and newOthers for tests, or empty
}

// ParseArgs reads the arguments of msggen:
//
//	-import PATH     Go import path of the output folder
//	-out DIR         output folder
//	-list FILE       also write a test file with one value of every type
//	-dep PATH=DIR    packages that are referred to, and their Go import path
//	DIR              folder with one folder per ROS package
//	NAME=DIR         one ROS package
//
// Folders are relative to dir.
func ParseArgs(dir string, args []string) (Job, error) {
	flags := flag.NewFlagSet("msggen", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	path := flags.String("import", "", "")
	out := flags.String("out", "", "")
	list := flags.String("list", "", "")
	dep := flags.String("dep", "", "")
	if err := flags.Parse(args); err != nil {
		return Job{}, fmt.Errorf("msggen: %w", err)
	}
	if *path == "" || *out == "" || flags.NArg() == 0 {
		return Job{}, fmt.Errorf("msggen: want -import PATH -out DIR and at least one source DIR or NAME=DIR, got %q", args)
	}
	job := Job{Out: filepath.Join(dir, *out), List: *list}
	if *dep != "" {
		depPath, depDir, ok := strings.Cut(*dep, "=")
		if !ok {
			return Job{}, fmt.Errorf("msggen: -dep %q, want PATH=DIR", *dep)
		}
		sources, err := packages(filepath.Join(dir, depDir), depPath, false)
		if err != nil {
			return Job{}, err
		}
		job.Sources = sources
	}
	for _, arg := range flags.Args() {
		if name, src, ok := strings.Cut(arg, "="); ok {
			job.Sources = append(job.Sources, Source{name, filepath.Join(dir, src), *path, true})
			continue
		}
		sources, err := packages(filepath.Join(dir, arg), *path, true)
		if err != nil {
			return Job{}, err
		}
		job.Sources = append(job.Sources, sources...)
	}
	return job, nil
}

// packages returns the ROS packages in a folder.
func packages(dir, path string, emit bool) ([]Source, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("msggen: %w", err)
	}
	var sources []Source
	for _, e := range entries {
		if e.IsDir() {
			sources = append(sources, Source{e.Name(), filepath.Join(dir, e.Name()), path, emit})
		}
	}
	return sources, nil
}

// Files returns the files of the job, by path relative to Out.
func (j Job) Files() (map[string][]byte, error) {
	files, err := Generate(j.Sources)
	if err != nil || j.List == "" {
		return files, err
	}
	files[j.List], err = j.listFile()
	return files, err
}

// listFile returns the test file with one value of every type.
func (j Job) listFile() ([]byte, error) {
	messages, others, err := Types(j.Sources)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%spackage msgs_test\n\nimport (\n\t\"guidedpolicysearch/msgs\"\n", generatedLine)
	for _, s := range j.Sources {
		if s.Emit {
			fmt.Fprintf(&b, "\t%q\n", s.Import+"/"+s.Package)
		}
	}
	list := func(refs []idl.Ref) {
		for _, r := range refs {
			fmt.Fprintf(&b, "\t\tnew(%s.%s),\n", r.Package, r.Name)
		}
		b.WriteString("\t}\n}\n")
	}
	b.WriteString(")\n\n// newMessages returns a zero value of every message type.\nfunc newMessages() []msgs.Message {\n\treturn []msgs.Message{\n")
	list(messages)
	b.WriteString("\n// newOthers returns a value of every service and action.\nfunc newOthers() []msgs.Type {\n\treturn []msgs.Type{\n")
	list(others)
	code, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("gen: list of types: %w", err)
	}
	return code, nil
}

// Stale returns the generated files in Out, relative to it, that are not among files.
func (j Job) Stale(files map[string][]byte) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(j.Out, "*", "*.gen.go"))
	if err != nil {
		return nil, fmt.Errorf("msggen: %w", err)
	}
	var stale []string
	for _, path := range found {
		rel, err := filepath.Rel(j.Out, path)
		if err != nil {
			return nil, fmt.Errorf("msggen: %w", err)
		}
		if files[filepath.ToSlash(rel)] == nil {
			stale = append(stale, rel)
		}
	}
	return stale, nil
}

// Write writes the files of the job and removes the stale ones.
func (j Job) Write() error {
	files, err := j.Files()
	if err != nil {
		return err
	}
	stale, err := j.Stale(files)
	if err != nil {
		return err
	}
	for _, rel := range stale {
		if err := os.Remove(filepath.Join(j.Out, rel)); err != nil {
			return fmt.Errorf("msggen: %w", err)
		}
	}
	for rel, code := range files {
		path := filepath.Join(j.Out, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("msggen: %w", err)
		}
		if err := os.WriteFile(path, code, 0o666); err != nil {
			return fmt.Errorf("msggen: %w", err)
		}
	}
	return nil
}
