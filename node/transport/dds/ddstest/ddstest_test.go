//go:build !rclgo

package ddstest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// lockPath names, for a process of another user, the file to lock.
const lockPath = "DDSTEST_LOCK"

const nobody = 65534

// TestLockOfAnotherUser locks a file that may be read but not written, as one that the
// tests of another user made.
func TestLockOfAnotherUser(t *testing.T) {
	if path := os.Getenv(lockPath); path != "" {
		release, err := lock(path)
		if err != nil {
			t.Fatal(err)
		}
		release()
		return
	}
	dir := shared(t)
	path := filepath.Join(dir, "1.lock")
	write(t, path, nil, 0o444)
	// Where go test keeps this program only its user may go.
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "program")
	write(t, copied, program, 0o755)
	cmd := exec.Command(copied, "-test.run=^TestLockOfAnotherUser$")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), lockPath+"="+path)
	if os.Geteuid() == 0 {
		// root may write everything.
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(shared(t), "1.lock")
	release, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("%v, %v, want a file that every user may write", info, err)
	}
	if _, err := lock(path); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("the second lock: %v, want %v", err, syscall.EWOULDBLOCK)
	}
	release()
	release, err = lock(path)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if _, err := lock(filepath.Join(path, "x")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v, want %v", err, syscall.ENOTDIR)
	}
	if _, err := lock(path + ".d/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
}

// write writes a file with a mode, whatever the umask.
func write(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// shared is a folder for all users.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ddstest-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}
