package transporttest

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

// cycles is how often a test repeats something: fewer times with -short.
func cycles(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

// testCloseEverything closes a node with everything open and everything busy.
func testCloseEverything(t *testing.T, pair Pair) {
	far := pair.far(t)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	busy := func(f func()) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for ctx.Err() == nil {
				f()
				time.Sleep(100 * time.Microsecond)
			}
		}()
	}
	pub := publisher(t, far, "/busy", transport.Default(), nil)
	busy(func() { pub.Publish(numbered(1, 100)) }) // blocked now and then, while a subscription goes
	for range cycles(20, 5) {
		near := pair.Near(t, transport.Options{Name: "near"})
		in := make(chan struct{}, 1)
		one := func([]byte, transport.Info) {
			select {
			case in <- struct{}{}:
			default:
			}
		}
		q := transport.Default()
		q.Deadline, q.Liveliness, q.ManualLiveliness = time.Millisecond, 50*time.Millisecond, true
		subscribe(t, near, "/busy", transport.Default(), one, func(transport.Status) {})
		own := publisher(t, near, "/own", q, func(transport.Status) {})
		subscribe(t, near, "/own", q, one, func(transport.Status) {})
		serve(t, near, "/own_service", echo(t))
		c := client(t, near, "/own_service")
		near.OnGraphChange(func() {})
		ask(t, patient(t), c, "x")
		publish(t, own, numbered(1, 8))
		receive(t, in, "a message")
		var calls sync.WaitGroup
		for range 3 {
			calls.Add(1)
			go func() {
				defer calls.Done()
				for err := error(nil); err == nil; { // until the node closes
					_, err = c.Call(ctx, textRequest("x"))
				}
			}()
		}
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		calls.Wait()
	}
}

// testIdle has nodes with everything open and nothing to do: they wait, and do not look
// whether there is something. Others make a machine busy now and then, so the quietest of
// some stretches of time counts.
func testIdle(t *testing.T, pair Pair) {
	const (
		nodes    = 8
		stretch  = 200 * time.Millisecond
		tries    = 50
		cpu      = 20 * time.Millisecond // a tenth of a processor
		switches = nodes * 10            // looking every 20 ms would be that many
	)
	in := newInbox()
	far := pair.far(t)
	for i := range nodes {
		n := open(t, pair.Near, "idle")
		subscribe(t, n, "/idle", transport.Default(), in.handle, nil)
		publisher(t, n, "/other", transport.Default(), nil)
		serve(t, n, "/idle_service", echo(t))
		c := client(t, n, "/nobody_there")
		wait, cancel := context.WithCancel(patient(t))
		waiting := calling(wait, c, "x")
		defer func() { cancel(); <-waiting }()
		if i == 0 {
			n.OnGraphChange(func() {})
		}
	}
	var quietest [2]int64
	for i := range tries {
		runtime.GC() // none within the stretch
		cpu0, switches0 := spent(t)
		time.Sleep(stretch)
		cpu1, switches1 := spent(t)
		if used := [2]int64{int64(cpu1 - cpu0), switches1 - switches0}; i == 0 || used[1] < quietest[1] {
			quietest = used
		}
		if quietest[0] <= int64(cpu) && quietest[1] <= switches {
			break
		}
	}
	t.Logf("%d idle nodes in %v: %v of a processor, %d times woken up", nodes, stretch, time.Duration(quietest[0]), quietest[1])
	if quietest[0] > int64(cpu) || quietest[1] > switches {
		t.Errorf("%d idle nodes took %v of a processor in %v and were woken up %d times, want at most %v and %d",
			nodes, time.Duration(quietest[0]), stretch, quietest[1], cpu, switches)
	}
	// And they do wake up.
	pub := publisher(t, far, "/idle", transport.Default(), nil)
	eventually(t, "a connection to every subscription", func() bool { return pub.Matched() == nodes })
	publish(t, pub, numbered(1, 8))
	for range nodes {
		in.next(t)
	}
}

// spent is the processor time that this process has used, and how often it has waited.
func spent(t *testing.T) (time.Duration, int64) {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Nvcsw
}

// testEndpointsLeaveNothing opens and closes thousands of endpoints on nodes that stay.
func testEndpointsLeaveNothing(t *testing.T, pair Pair) {
	const payload = 5000 // bytes; one that is left per cycle shows
	near, far := pair.near(t), pair.far(t)
	near.OnGraphChange(func() {})
	publisher(t, far, "/cycle", transport.Latched(), nil)
	leavesNothing(t, cycles(2000, 200), payload, func() {
		s := subscribe(t, near, "/cycle", transport.Default(), func([]byte, transport.Info) {}, nil)
		p := publisher(t, near, "/cycle", transport.Latched(), nil)
		publish(t, p, numbered(1, payload))
		v := serve(t, near, "/cycle_service", func(_ []byte, reply transport.Reply) { reply(textResponse("ok")) })
		c := client(t, near, "/cycle_service")
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_, err := c.Call(ctx, textRequest("x"))
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []interface{ Close() error }{s, p, v, c} {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func testNodesLeaveNothing(t *testing.T, pair Pair) {
	leavesNothing(t, cycles(100, 10), 60_000, func() {
		n := pair.Near(t, transport.Options{Name: "cycle"})
		publisher(t, n, "/cycle", transport.Default(), nil)
		subscribe(t, n, "/cycle", transport.Default(), func([]byte, transport.Info) {}, nil)
		serve(t, n, "/cycle_service", func([]byte, transport.Reply) {})
		client(t, n, "/cycle_service")
		n.OnGraphChange(func() {})
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// leavesNothing runs a cycle n times after a warm-up, and compares what the process holds:
// memory may grow by half of each's bytes per cycle and a little once.
func leavesNothing(t *testing.T, n, each int, cycle func()) {
	t.Helper()
	for range n/4 + 1 {
		cycle()
	}
	before := settled(t, func(held) bool { return false })
	for range n {
		cycle()
	}
	limit := held{before.memory + n*each/2 + 4<<20, before.goroutines + 4, before.threads + 8, before.files + 4}
	after := settled(t, limit.holds)
	t.Logf("%d cycles: %+v, then %+v", n, before, after)
	if !limit.holds(after) {
		t.Errorf("%d cycles left something behind: %+v before, %+v after, want at most %+v", n, before, after, limit)
	}
}

// held is what a process holds. memory is what is resident, in bytes.
type held struct{ memory, goroutines, threads, files int }

func (limit held) holds(h held) bool {
	return (h.memory <= limit.memory || raceDetector) && h.goroutines <= limit.goroutines && h.threads <= limit.threads && h.files <= limit.files
}

// settled is what the process holds once it is little enough, or after a while: a middleware
// frees on threads of its own.
func settled(t *testing.T, enough func(held) bool) held {
	t.Helper()
	var h held
	for range 20 {
		time.Sleep(20 * time.Millisecond)
		debug.FreeOSMemory()
		if h = holds(t); enough(h) {
			break
		}
	}
	return h
}

func holds(t *testing.T) held {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("needs /proc, to see what the process holds")
	}
	h := held{goroutines: runtime.NumGoroutine()}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "VmRSS" && name != "Threads" {
			continue
		}
		n, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		if name == "Threads" {
			h.threads = n
		} else {
			h.memory = n << 10
		}
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	h.files = len(files)
	return h
}
