//go:build !rclgo

// Package ddstest gives tests nodes on a DDS domain of their own, on the
// loopback interface.
package ddstest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
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
	os.Chmod(dir, 0o777) // against the umask, for other users' tests; fails for their directory
	for i := 0; i < lastDomain; i++ {
		// Beginning elsewhere in every process keeps a killed test's late
		// packets from the next one.
		d := uint32((os.Getpid()+i)%lastDomain) + 1
		if release, ok := lock(filepath.Join(dir, fmt.Sprintf("%d.lock", d))); ok {
			tb.Cleanup(release)
			return d
		}
	}
	tb.Fatalf("all %d domains for tests are taken: see the locks in %s", lastDomain, dir)
	return 0
}

func lock(path string) (release func(), ok bool) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, false
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}

// Open opens a node on loopback and closes it when tb ends. change may be nil.
func Open(tb testing.TB, domain uint32, name string, change func(*transport.Options)) *dds.Node {
	tb.Helper()
	o := transport.Options{Name: name, Domain: domain, Range: transport.Localhost}
	if change != nil {
		change(&o)
	}
	n, err := dds.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := n.Close(); err != nil {
			tb.Error(err)
		}
	})
	return n
}
