//go:build !rclgo

package dds_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

func TestOpenErrors(t *testing.T) {
	d := ddstest.Domain(t)
	local := transport.Options{Name: "a", Domain: d, Range: transport.Localhost}
	with := func(change func(*transport.Options)) transport.Options {
		o := local
		change(&o)
		return o
	}
	for _, c := range []struct {
		name string
		o    transport.Options
		is   error
		says string
	}{
		{"no name", with(func(o *transport.Options) { o.Name = "" }), transport.ErrInvalid, "name"},
		{"domain", with(func(o *transport.Options) { o.Domain = 233 }), transport.ErrInvalid, "233"},
		{"bad configuration", with(func(o *transport.Options) {
			o.Config = "<CycloneDDS><Domain><General><NoSuchThing>1</NoSuchThing></General></Domain></CycloneDDS>"
		}),
			dds.ErrMiddleware, "CYCLONEDDS_URI"},
		{"missing file", with(func(o *transport.Options) { o.Config = "file:///no/such/file.xml" }), dds.ErrMiddleware, "no/such/file"},
	} {
		n, err := dds.Open(c.o)
		if err == nil {
			n.Close()
		}
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that mentions %q", c.name, err, c.is, c.says)
		}
	}
	// Nothing of that is left behind.
	n, err := dds.Open(local)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if other, err := dds.Open(with(func(o *transport.Options) { o.Range = transport.Off })); !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), "discovery") {
		t.Errorf("another range in the same domain: %v, %v", other, err)
	}
}

// TestLocalhostIsGuarded has a user configuration that adds an interface. It needs one beside
// loopback that is up and has an address.
func TestLocalhostIsGuarded(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var name string
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 && len(addresses) > 0 {
			name = i.Name
		}
	}
	if name == "" {
		t.Skip("needs a network interface beside loopback that is up and has an address, for a configuration to add; this machine has none")
	}
	config := `<CycloneDDS><Domain><General><AllowMulticast>false</AllowMulticast><Interfaces><NetworkInterface name="` + name + `"/></Interfaces></General></Domain></CycloneDDS>`
	n, err := dds.Open(transport.Options{Name: "a", Domain: ddstest.Domain(t), Range: transport.Localhost, Config: config})
	if err == nil {
		n.Close()
	}
	if !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), name) {
		t.Errorf("localhost with interface %s: %v, want ErrInvalid that names the configuration", name, err)
	}
}

// TestUserNamesLoopback has a user configuration, given by value or as a file, that selects
// loopback itself: Cyclone refuses an interface that is selected twice.
func TestUserNamesLoopback(t *testing.T) {
	config := `<CycloneDDS><Domain><General><Interfaces><NetworkInterface address="127.0.0.1" multicast="true"/></Interfaces></General></Domain></CycloneDDS>`
	file := filepath.Join(t.TempDir(), "cyclonedds.xml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{config, "file://" + file} {
		d := ddstest.Domain(t)
		pinned := func(o *transport.Options) { o.Config = c }
		a, b := ddstest.Open(t, d, "a", pinned), ddstest.Open(t, d, "b", pinned)
		got := make(chan struct{})
		p := pair(t, a, b, "/x", func([]byte, transport.Info) { close(got) })
		if err := p.Publish([]byte{0, 1, 0, 0, 7}); err != nil {
			t.Fatal(err)
		}
		<-got
	}
}

// TestUserConfiguration applies settings of the user that do not concern
// interfaces.
func TestUserConfiguration(t *testing.T) {
	d := ddstest.Domain(t)
	config := "<CycloneDDS><Domain><Internal><SPDPResponseMaxDelay>0s</SPDPResponseMaxDelay></Internal></Domain></CycloneDDS>"
	ddstest.Open(t, d, "a", func(o *transport.Options) { o.Config = config })
}

func TestTwoDomains(t *testing.T) {
	one, two := ddstest.Domain(t), ddstest.Domain(t)
	if one == two {
		t.Fatalf("domain %d handed out twice", one)
	}
	got := make(chan byte, 10)
	a := ddstest.Open(t, one, "a", nil)
	b := ddstest.Open(t, two, "b", nil)
	payload := func(x byte) []byte { return []byte{0, 1, 0, 0, x} }
	in := func(p []byte, _ transport.Info) { got <- p[4] }
	first := pair(t, a, a, "/same", in)
	second := pair(t, b, b, "/same", in)
	if err := errors.Join(first.Publish(payload(1)), second.Publish(payload(2))); err != nil {
		t.Fatal(err)
	}
	if x, y := <-got, <-got; x+y != 3 {
		t.Errorf("got messages %d and %d, want 1 and 2", x, y)
	}
	if first.Matched() != 1 || second.Matched() != 1 {
		t.Errorf("matched %d and %d, want 1: domains are apart", first.Matched(), second.Matched())
	}
}

// TestKilledPublisher kills a process that publishes: its subscribers learn of
// it when the lease is over, and take up its successor.
func TestKilledPublisher(t *testing.T) {
	d := ddstest.Domain(t)
	const lease = time.Second
	near := ddstest.Open(t, d, "near", func(o *transport.Options) { o.Lease = lease })
	matches := make(chan transport.Status, 100)
	infos := make(chan transport.Info, 100)
	if _, err := near.Subscribe("/x", floats, transport.Default(), func(_ []byte, i transport.Info) { infos <- i }, func(m transport.Status) { matches <- m }); err != nil {
		t.Fatal(err)
	}
	untilMatched := func(n int) {
		t.Helper()
		for timeout := time.After(30 * time.Second); ; {
			select {
			case m := <-matches:
				if m.Matched == n {
					return
				}
			case <-timeout:
				t.Fatalf("not matched with %d within 30 s", n)
			}
		}
	}
	var ids []transport.PublisherID
	for range 2 {
		far := startPeer(t, transport.Options{Name: "far", Domain: d, Range: transport.Localhost, Lease: lease})
		p, err := far.Publisher("/x", floats, transport.Default(), nil)
		if err != nil {
			t.Fatal(err)
		}
		untilMatched(1)
		// The peer's side of the match may come later than ours, and go for a while where it has no
		// processor for the time of a lease.
		for timeout, heard := time.After(30*time.Second), false; !heard; {
			if err := p.Publish([]byte{0, 1, 0, 0, 1}); err != nil {
				t.Fatal(err)
			}
			select {
			case i := <-infos:
				ids, heard = append(ids, i.Publisher), true
			case <-time.After(10 * time.Millisecond):
			case <-timeout:
				t.Fatal("no message within 30 s")
			}
		}
		if err := far.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		<-far.ended
		untilMatched(0)
		for len(infos) > 0 {
			<-infos // what was said more than once
		}
		t.Logf("noticed %v after the kill, lease %v", time.Since(killed).Round(time.Millisecond), lease)
	}
	if ids[0] == ids[1] {
		t.Errorf("the publisher and its successor have the same identity %d", ids[0])
	}
}
