package kernel_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

// TestKernelForced starts this binary again for every value of the environment variable, to
// see which path its kernels take.
func TestKernelForced(t *testing.T) {
	available := kernel.Available()
	for _, force := range []kernel.Path{"", kernel.AVX512, kernel.AVX2, kernel.Portable, kernel.Plain, "AVX2", "neon"} {
		t.Run(string(force), func(t *testing.T) {
			c := exec.Command(os.Args[0], "-test.run=^TestKernelActive$", "-test.v")
			c.Env = append(os.Environ(), kernel.Variable+"="+string(force))
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if force != "" && !slices.Contains(available, force) {
				if want := `kernel: GPS_KERNEL is "` + string(force) + `", this machine has`; !strings.Contains(string(out), want) {
					t.Errorf("no word of %s in\n%s", want, out)
				}
				force = ""
			} else if strings.Contains(string(out), "GPS_KERNEL is") {
				t.Errorf("a path that this machine has is refused:\n%s", out)
			}
			if force == "" {
				force = available[0]
			}
			if want := "active: " + string(force) + "\n"; !strings.Contains(string(out), want) {
				t.Errorf("want %q in\n%s", want, out)
			}
		})
	}
}

// TestKernelIsTheForced fails where GPS_KERNEL asks for what this machine does not have: tests
// under that variable would pass with other kernels.
func TestKernelIsTheForced(t *testing.T) {
	force := os.Getenv(kernel.Variable) // so that Go's test cache looks at it too
	if path, err := kernel.Active(); err != nil || force != "" && force != string(path) {
		t.Errorf("%s is %q, %s is in use: %v", kernel.Variable, force, path, err)
	}
}

// TestKernelActive tells TestKernelForced the path, and holds that all others can be used.
func TestKernelActive(t *testing.T) {
	path, err := kernel.Active()
	t.Logf("active: %s", path)
	if err != nil {
		t.Log(err)
	}
	if !slices.Contains(kernel.Available(), path) {
		t.Errorf("%q is active, which this machine does not have", path)
	}
	if _, err := kernel.Use("neon"); err == nil || !strings.Contains(err.Error(), `no path "neon"`) {
		t.Errorf("a path that does not exist gives the error %v", err)
	}
	if after, _ := kernel.Active(); after != path {
		t.Errorf("a failed change left %s", after)
	}
	for _, p := range kernel.Available() {
		use(t, p)
		if got, _ := kernel.Active(); got != p {
			t.Errorf("%s is active after a change to %s", got, p)
		}
	}
}
