//go:build !race

package algorithm_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// peakVariable makes the test print the peak memory of its process.
const peakVariable = "GPS_TEST_PRINTS_PEAK_MEMORY"

// Ten iterations of the large system with four conditions take a process of less than 150 MB,
// its samples and the simulated arm included, with four processors (each worker has a
// workspace: with 64 it is more).
func TestPeakMemoryOfLargeSystem(t *testing.T) {
	t.Parallel()
	if os.Getenv(peakVariable) != "" {
		s := newLargeSystem(t, 4)
		s.learn(s.new(0), 10)
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(status)
		return
	}
	const most = 150e6
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.count", "1")
	child.Env = append(os.Environ(), peakVariable+"=1", "GOGC=", "GOMEMLIMIT=", "GOMAXPROCS=4")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, rest, found := strings.Cut(string(out), "VmHWM:")
	if !found {
		t.Fatalf("no VmHWM in\n%s", out)
	}
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("peak of resident memory: %.1f MB", 1024e-6*float64(kib))
	if 1024*kib > most {
		t.Errorf("peak of resident memory is %.1f MB, want at most %.0f MB", 1024e-6*float64(kib), most/1e6)
	}
}
