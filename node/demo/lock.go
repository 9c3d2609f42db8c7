package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrRunning says that a demo already runs in the domain: its robot and node would answer
// those of another one.
var ErrRunning = errors.New("another demo runs")

// lockDomain takes the domain for this demo until the file is closed, at the latest when
// the process ends.
func lockDomain(domain uint32) (*os.File, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("gps-demo-user-%d-domain-%d.lock", os.Getuid(), domain))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock domain %d against another demo: %w", domain, err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
	case nil:
		return f, nil
	case syscall.EWOULDBLOCK:
		f.Close()
		return nil, fmt.Errorf("%w in domain %d on this machine: wait for its end, or set ROS_DOMAIN_ID to another domain", ErrRunning, domain)
	default:
		f.Close()
		return nil, fmt.Errorf("lock %s against another demo: %w", path, err)
	}
}
