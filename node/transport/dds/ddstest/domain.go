// Package ddstest gives tests nodes on a DDS domain of their own, on the
// loopback interface.
package ddstest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// lastDomain keeps the ports (7400 + 250 per domain) below the range from which
// the system takes ports for other sockets.
const lastDomain = 99

// Domain returns a domain that no other test has until tb ends, in this or
// another process of this machine.
func Domain(tb testing.TB) uint32 {
	tb.Helper()
	dir := filepath.Join(os.TempDir(), "guidedpolicysearch-domains")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		tb.Fatal(err)
	}
	// Against the umask, for the tests of other users; it fails for a folder of theirs.
	_ = os.Chmod(dir, 0o777|os.ModeSticky)
	var last error
	for i := 0; i < lastDomain; i++ {
		// Beginning elsewhere in every process keeps a killed test's late
		// packets from the next one.
		d := uint32((os.Getpid()+i)%lastDomain) + 1
		release, err := lock(filepath.Join(dir, fmt.Sprintf("%d.lock", d)))
		if err == nil {
			tb.Cleanup(release)
			return d
		}
		last = err
	}
	tb.Fatalf("none of the %d domains for tests can be had: %v", lastDomain, last)
	return 0
}

// lock locks a file that any user's tests may have made.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if errors.Is(err, fs.ErrPermission) {
		// Another user's: to lock it needs no more than to read it. In a sticky folder
		// the system may also refuse O_CREATE for a file that is there.
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	_ = f.Chmod(0o666) // against the umask; fails for a file of another user
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
	}
	return func() { f.Close() }, nil
}
