//go:build !rclgo

package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"guidedpolicysearch/node/bench/harness"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// The node keeps nothing of a message. A node that has just come up still grows by some MB,
// up to the first collections of its heap, which bounds what so few messages can show.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does: it takes 200000 round trips")
	}
	const count, allowedPerMessage = 200_000, 32 // bytes
	progress := io.Discard
	if testing.Verbose() {
		progress = os.Stderr
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	b := build{&harness.Build{Root: root, Dir: t.TempDir()}}
	if err := b.programs(t.Context()); err != nil {
		t.Fatal(err)
	}
	g, err := soak(t.Context(), options{soak: count, domain: int(ddstest.Domain(t))}, &b, progress)
	if err != nil {
		t.Fatal(err)
	}
	first, last := g.resident[0], g.resident[len(g.resident)-1]
	if grown := (last - first) << 10; grown > count*allowedPerMessage {
		t.Errorf("the node grew from %d kB to %d kB over %d round trips, want at most %d bytes per message", first, last, count, allowedPerMessage)
	}
}
