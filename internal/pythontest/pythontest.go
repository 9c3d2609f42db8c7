// Package pythontest finds the Python that tests compare with.
package pythontest

import (
	"os/exec"
	"testing"
)

// With returns a Python that has a module: the one in PATH, or the system's, which may be another. The
// test is skipped where neither has it.
func With(t testing.TB, module string) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import "+module).Run() == nil {
			return name
		}
	}
	t.Skipf("needs a python3 with %s: install python3-%s for this test", module, module)
	return ""
}
