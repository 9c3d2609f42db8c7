// Package architecture holds the repository to its plan: which package may import
// which, where C may be called, and what no file may hold. It has tests only.
package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module = "guidedpolicysearch"
	root   = "../.." // of the repository, seen from this folder
)

// withC are the only packages that may import "C".
var withC = []string{"node/transport/dds", "node/transport/rclgo", "hardware/mujoco"}

// pkg is a package of the module as go list describes it, without its tests. Paths of
// this module are relative to its root.
type pkg struct {
	path string
	deps []string // direct and indirect
	uses []string // direct
}

// listed is the part of go list's output that is read.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
	Module     *struct{ Path string }
}

// builds are the build tags that choose a middleware.
var builds = []string{"", "rclgo"}

// packages returns the module's packages as built with tags, and the paths of the standard
// library among all that they need.
func packages(t *testing.T, tags string) (own []pkg, standard map[string]bool) {
	t.Helper()
	// With cgo on, so that files that call C count.
	out := command(t, []string{"CGO_ENABLED=1"}, "go", "list", "-deps", "-tags", tags, "-json=ImportPath,Imports,Deps,Standard,Module", "./...")
	standard = map[string]bool{"C": true}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		if l.Standard {
			standard[l.ImportPath] = true
		} else if l.Module != nil && l.Module.Path == module {
			own = append(own, pkg{relative(l.ImportPath), relatives(l.Deps), relatives(l.Imports)})
		}
	}
	if len(own) == 0 {
		t.Fatal("go list names no package of the module")
	}
	return own, standard
}

// command runs a program in the root of the repository and returns its output.
func command(t *testing.T, environment []string, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = root
	c.Env = append(os.Environ(), environment...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, stderr.Bytes())
	}
	return out
}

// relative marks paths of this module by "./", which no import path begins with.
func relative(path string) string {
	if rest, ok := strings.CutPrefix(path, module+"/"); ok {
		return "./" + rest
	} else if path == module {
		return "."
	}
	return path
}

func relatives(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = relative(p)
	}
	return out
}

// within says if a path is one of the folders or below one.
func within(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return path == "./"+folder || strings.HasPrefix(path, "./"+folder+"/")
	})
}

// support says if a package is for tests only.
func support(path string) bool {
	return within(path, "internal") || isOwn(path) && strings.HasSuffix(path, "test")
}

// isOwn says if a path is of this module.
func isOwn(path string) bool { return path == "." || strings.HasPrefix(path, "./") }

// level is the height of a package in the house; imports go to the same level or down.
func level(path string) int {
	switch {
	case within(path, "node/cmd", "msgs/cmd"):
		return 3
	case path == "./node":
		return 2
	case within(path, "node"):
		return 1
	}
	return 0
}

func TestImportsGoDown(t *testing.T) {
	for _, tags := range builds {
		t.Run("tags="+tags, func(t *testing.T) { checkImports(t, tags) })
	}
}

func checkImports(t *testing.T, tags string) {
	t.Helper()
	// What the packages below a folder may need of this module, directly or not.
	allowed := []struct {
		folder string
		may    []string
	}{
		{"gps", []string{"gps"}},
		{"hardware", []string{"hardware"}},
		{"msgs", []string{"msgs"}},
		{"node/transport", []string{"node/transport", "msgs"}},
		{"node", []string{"node", "gps", "hardware", "msgs"}},
		{"internal", []string{"internal"}},
	}
	own, standard := packages(t, tags)
	seen := map[string]bool{}
	for _, p := range own {
		placed := false
		for _, rule := range allowed {
			if !within(p.path, rule.folder) {
				continue
			}
			placed, seen[rule.folder] = true, true
			for _, d := range p.deps {
				if isOwn(d) && !within(d, rule.may...) && !(support(p.path) && support(d)) {
					t.Errorf("%s needs %s; the packages of %s may need %s only", p.path, d, rule.folder, strings.Join(rule.may, ", "))
				}
			}
		}
		if !placed {
			t.Errorf("%s is in no folder that the plan knows", p.path)
		}
		for _, d := range p.uses {
			if isOwn(d) && level(d) > level(p.path) {
				t.Errorf("%s imports %s, which is above it", p.path, d)
			}
			if within(d, "node/cmd", "msgs/cmd") {
				t.Errorf("%s imports %s: programs hold what nobody else needs", p.path, d)
			}
			if within(p.path, "msgs") && !isOwn(d) && !standard[d] {
				t.Errorf("%s imports %s: msgs uses the standard library only", p.path, d)
			}
		}
	}
	for _, rule := range allowed {
		if !seen[rule.folder] {
			t.Errorf("no package is in %s: the rule for it checks nothing", rule.folder)
		}
	}
}

// TestSupportStaysInTests keeps what is made for tests (internal, and the packages
// named after what they test) out of everything that runs on a robot.
func TestSupportStaysInTests(t *testing.T) {
	for _, tags := range builds {
		own, _ := packages(t, tags)
		for _, p := range own {
			if support(p.path) {
				continue
			}
			for _, d := range p.deps {
				if support(d) {
					t.Errorf("%s needs %s, which is for tests", p.path, d)
				}
			}
			if slices.Contains(p.uses, "testing") {
				t.Errorf("%s imports testing: only tests, and packages named ...test, do", p.path)
			}
		}
	}
}

// TestOneMiddleware holds each build to one transport over a network: two copies of a DDS
// library in one process disturb each other.
func TestOneMiddleware(t *testing.T) {
	const dds, rclgo = "./node/transport/dds", "./node/transport/rclgo"
	for _, tags := range builds {
		has, leavesOut := dds, rclgo
		if tags == "rclgo" {
			has, leavesOut = rclgo, dds
		}
		own, _ := packages(t, tags)
		found := false
		for _, p := range own {
			found = found || p.path == has
			if p.path == leavesOut || slices.Contains(p.deps, leavesOut) {
				t.Errorf("tags %q: %s has %s", tags, p.path, leavesOut)
			}
		}
		if !found {
			t.Errorf("tags %q: no %s", tags, has)
		}
	}
}

// TestBuildsWithoutC compiles what has to run where no C compiler is.
func TestBuildsWithoutC(t *testing.T) {
	command(t, []string{"CGO_ENABLED=0"}, "go", "build", "./gps/...", "./msgs/...", "./hardware/...")
}
