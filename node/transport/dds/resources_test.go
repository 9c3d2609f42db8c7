//go:build !rclgo

package dds_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

var floats = transport.Type{Name: "std_msgs/msg/Float64MultiArray"}

// pair opens a publisher and a subscription of two nodes and waits until they
// are connected.
func pair(tb testing.TB, from, to transport.Node, topic string, h transport.Handler) transport.Publisher {
	tb.Helper()
	matched := make(chan struct{}, 2)
	tell := func(m transport.Status) {
		if m.Matched == 1 {
			matched <- struct{}{}
		}
	}
	if _, err := to.Subscribe(topic, floats, transport.Default(), h, tell); err != nil {
		tb.Fatal(err)
	}
	p, err := from.Publisher(topic, floats, transport.Default(), tell)
	if err != nil {
		tb.Fatal(err)
	}
	<-matched
	<-matched
	return p
}

func TestPublishAllocatesNothing(t *testing.T) {
	d := ddstest.Domain(t)
	p := pair(t, ddstest.Open(t, d, "a", nil), ddstest.Open(t, d, "b", nil), "/a", func([]byte, transport.Info) {})
	payload := make([]byte, 100)
	payload[1] = 1
	if n := testing.AllocsPerRun(1000, func() { p.Publish(payload) }); n != 0 {
		t.Errorf("%v allocations per publication, want 0", n)
	}
}

func TestReceiveAllocatesNothing(t *testing.T) {
	const messages = 2000
	d := ddstest.Domain(t)
	far := startPeer(t, transport.Options{Name: "far", Domain: d, Range: transport.Localhost})
	p, received := echo(t, ddstest.Open(t, d, "near", nil), far)
	payload := make([]byte, 100)
	payload[1] = 1
	round := func() {
		if err := p.Publish(payload); err != nil {
			t.Fatal(err)
		}
		<-received
	}
	for range 100 {
		round()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range messages {
		round()
	}
	runtime.ReadMemStats(&after)
	// The runtime itself allocates now and then.
	if n := after.Mallocs - before.Mallocs; n > messages/20 {
		t.Errorf("%d allocations for %d messages sent and received, want next to none", n, messages)
	}
}

// resident is the process's memory in bytes, threads and open files.
func resident(t *testing.T) (bytes, threads, files int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.Atoi(f[1])
		switch f[0] {
		case "VmRSS:":
			bytes = n << 10
		case "Threads:":
			threads = n
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return bytes, threads, len(fds)
}

// bounded runs warm-up and main part of cycles and compares what the process
// holds after each.
func bounded(t *testing.T, cycles int, extraBytes int, cycle func()) {
	t.Helper()
	for range cycles / 4 {
		cycle()
	}
	settle := func() (int, int, int) {
		runtime.GC()
		time.Sleep(200 * time.Millisecond) // Cyclone frees what was deleted on a thread of its own
		return resident(t)
	}
	bytes0, threads0, files0 := settle()
	for range cycles {
		cycle()
	}
	bytes1, threads1, files1 := settle()
	t.Logf("%d cycles: memory %d to %d kB, threads %d to %d, files %d to %d", cycles, bytes0>>10, bytes1>>10, threads0, threads1, files0, files1)
	if bytes1-bytes0 > extraBytes {
		t.Errorf("memory grew by %d bytes in %d cycles, want at most %d", bytes1-bytes0, cycles, extraBytes)
	}
	if files1 > files0+2 {
		t.Errorf("open files grew from %d to %d in %d cycles", files0, files1, cycles)
	}
	if threads1 > threads0+8 {
		t.Errorf("threads grew from %d to %d in %d cycles", threads0, threads1, cycles)
	}
}

func TestEndpointsLeaveNothing(t *testing.T) {
	d := ddstest.Domain(t)
	a, b := ddstest.Open(t, d, "a", nil), ddstest.Open(t, d, "b", nil)
	payload := make([]byte, 5000)
	payload[1] = 1
	var messages atomic.Int64
	cycle := func() {
		s, err := b.Subscribe("/cycle", floats, transport.Default(), func([]byte, transport.Info) { messages.Add(1) }, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Publisher("/cycle", floats, transport.Latched(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(payload); err != nil {
			t.Fatal(err)
		}
		s.Close()
		p.Close()
	}
	bounded(t, 1000, 3<<20, cycle) // a leak of one payload per cycle is 5 MB
}

func TestNodesLeaveNothing(t *testing.T) {
	d := ddstest.Domain(t)
	bounded(t, 50, 6<<20, func() {
		for _, name := range []string{"a", "b"} {
			n, err := dds.Open(transport.Options{Name: name, Domain: d, Range: transport.Localhost})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			if _, err := n.Publisher("/cycle", floats, transport.Default(), nil); err != nil {
				t.Fatal(err)
			}
			if _, err := n.Subscribe("/cycle", floats, transport.Default(), func([]byte, transport.Info) {}, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
