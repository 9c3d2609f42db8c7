package typecheck

import (
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root          = "../.." // of the repository, seen from this folder
	rclgo         = "github.com/tiiuae/rclgo/pkg/rclgo"
	transportPath = "guidedpolicysearch/node/transport/"
)

// TestTaggedCode type-checks everything that is built with the tag rclgo, which most machines
// that run the tests cannot build: it takes a ROS 2 installation.
func TestTaggedCode(t *testing.T) {
	checked, err := Packages(root, "rclgo", "./node/...")
	if err != nil {
		t.Fatalf("code built with the tag rclgo has mistakes:\n%v", err)
	}
	for _, path := range []string{transportPath + "rclgo", transportPath + "middleware", rclgo} {
		if checked[path] == nil {
			t.Errorf("package %s was not checked", path)
		}
	}
}

// TestHandles holds the fields that node/transport/rclgo reads handles from to rclgo's sources.
func TestHandles(t *testing.T) {
	checked, err := Packages(root, "rclgo", "./node/transport/rclgo")
	if err != nil {
		t.Fatal(err)
	}
	for owner, name := range map[string]string{
		"Context": "contextField", "Node": "nodeField", "Publisher": "publisherField",
		"Subscription": "subscriptionField", "Service": "serviceField", "Client": "clientField",
	} {
		constant, ok := checked[transportPath+"rclgo"].Scope().Lookup(name).(*types.Const)
		if !ok {
			t.Errorf("node/transport/rclgo has no constant %s", name)
			continue
		}
		field := strings.Trim(constant.Val().ExactString(), `"`)
		made := checked[rclgo].Scope().Lookup(owner)
		if made == nil {
			t.Errorf("rclgo has no %s", owner)
			continue
		}
		found, _, _ := types.LookupFieldOrMethod(made.Type(), true, checked[rclgo], field)
		if v, ok := found.(*types.Var); !ok || !v.IsField() {
			t.Errorf("rclgo.%s has no field %s", owner, field)
		}
	}
}

func TestPackages(t *testing.T) {
	const c = "//go:build tagged\n\npackage broken\n\n/*\n#include <no_such_header.h>\n*/\nimport \"C\"\n\n"
	for _, f := range []struct {
		name, text string
		mistake    string // what the error says; empty for none
	}{
		{"right", c + "func f() C.int { return C.no_such_function(1) }\n", ""},
		{"wrong type", c + "func f() int { _ = C.x(); return \"one\" }\n", "cannot use \"one\""},
		{"wrong name", c + "func f() { C.x(); missing() }\n", "undefined: missing"},
		{"wrong import", c + "import \"no/such/package\"\n\nvar _ = C.x\nvar _ = package.X\n", "no/such/package"},
		{"wrong field", c + "import \"sync\"\n\nvar m sync.Mutex\nvar _ = m.missing\nvar _ = C.x\n", "missing"},
		{"syntax", c + "func f( {\n", "expected"},
		{"without the tag", strings.Replace(c, "build tagged", "build !tagged", 1) + "func f() int { return \"one\" }\n", ""},
	} {
		folder := t.TempDir()
		write(t, folder, "go.mod", "module broken\n\ngo 1.24\n")
		write(t, folder, "always.go", "package broken\n")
		write(t, folder, "file.go", f.text)
		_, err := Packages(folder, "tagged", "./...")
		if f.mistake == "" && err != nil {
			t.Errorf("%s: %v, want no error", f.name, err)
		}
		if f.mistake != "" && (err == nil || !strings.Contains(err.Error(), f.mistake)) {
			t.Errorf("%s: error %v, want one with %q", f.name, err, f.mistake)
		}
	}
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
