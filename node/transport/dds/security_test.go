//go:build !rclgo

package dds_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/transporttest"
)

// secured makes a node join as an enclave.
func secured(k *ddstest.Keystore, enclave string) func(*transport.Options) {
	return func(o *transport.Options) {
		o.Enclave = enclave
		o.Security = &transport.Security{Keystore: k.Folder, Enforce: true}
	}
}

// TestSecuredNodes has two enclaves talk, each allowed its side of one topic.
func TestSecuredNodes(t *testing.T) {
	k := ddstest.NewKeystore(t)
	k.Enclave("/talker", ddstest.Grant{Publish: []string{"ros_discovery_info", "rt/chatter"}, Subscribe: []string{"ros_discovery_info"}})
	k.Enclave("/arms/listener", ddstest.Grant{Publish: []string{"ros_discovery_info"}, Subscribe: []string{"ros_discovery_info", "rt/*"}})
	d := ddstest.Domain(t)
	talker := ddstest.Open(t, d, "talker", secured(k, "/talker"))
	o := transport.Options{Name: "listener", Domain: d, Range: transport.Localhost}
	secured(k, "/arms/listener")(&o)
	listener := startPeer(t, o)
	got := make(chan byte, 1)
	p := pair(t, talker, listener, "/chatter", func(payload []byte, _ transport.Info) { got <- payload[4] })
	if err := p.Publish([]byte{0, 1, 0, 0, 7}); err != nil {
		t.Fatal(err)
	}
	if x := <-got; x != 7 {
		t.Errorf("got %d, want 7", x)
	}
	for name, err := range map[string]error{
		"another topic":  second(talker.Publisher("/other", floats, transport.Default(), nil)),
		"the own topic":  second(talker.Subscribe("/chatter", floats, transport.Default(), func([]byte, transport.Info) {}, nil)),
		"a service":      second(talker.Service("/chatter", transport.Type{Name: "std_srvs/srv/Trigger"}, transport.ServiceQoS(), func([]byte, transport.Reply) {})),
		"the listener's": second(listener.Publisher("/chatter", floats, transport.Default(), nil)),
	} {
		if !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), "permissions of the enclave") {
			t.Errorf("%s: %v, want ErrInvalid that names the permissions", name, err)
		}
	}
	for name, change := range map[string]func(*transport.Options){"none": nil, "another": secured(k, "/arms/listener")} {
		o := transport.Options{Name: "b", Domain: d, Range: transport.Localhost}
		if change != nil {
			change(&o)
		}
		if n, err := dds.Open(o); !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), "/talker") {
			t.Errorf("%s enclave beside /talker in one process: %v, %v, want ErrInvalid", name, n, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestSecurityErrors takes an enclave's files away, one after the other, and spoils them.
func TestSecurityErrors(t *testing.T) {
	k := ddstest.NewKeystore(t)
	folder := k.Enclave("/arm", ddstest.All())
	domain := ddstest.Domain(t)
	open := func(change func(*transport.Options)) error {
		o := transport.Options{Name: "a", Domain: domain, Range: transport.Localhost}
		secured(k, "/arm")(&o)
		if change != nil {
			change(&o)
		}
		n, err := dds.Open(o)
		if err == nil {
			err = n.Close()
		}
		return err
	}
	if err := open(nil); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error, texts ...string) {
		t.Helper()
		if !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
			return
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want it to mention %s", what, err, text)
			}
		}
	}
	for _, name := range []string{"identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem", "governance.p7s", "permissions.p7s"} {
		path := filepath.Join(folder, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		err = open(nil)
		refused("without "+name, err, path, "ros2 security create_enclave", "Enforce")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without %s: %v, want fs.ErrNotExist", name, err)
		}
		var warnings []error
		permissive := func(o *transport.Options) {
			o.Security.Enforce = false
			o.Warn = func(err error) { warnings = append(warnings, err) }
		}
		if err := open(permissive); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Error(), path) {
			t.Errorf("permissive without %s: %v, warnings %v; want one that names the file", name, err, warnings)
		}
		write := func(data []byte) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(nil)
		refused("empty "+name, open(nil), path, "is empty")
		refused("permissive, empty "+name, open(permissive), path, "is empty")
		write([]byte("no such thing"))
		refused("garbage in "+name, open(nil), k.Folder, "/arm")
		refused("permissive, garbage in "+name, open(permissive), k.Folder, "/arm")
		write(whole)
	}
	if err := open(nil); err != nil {
		t.Fatalf("with all files back: %v", err)
	}
	// An identity of another authority, and the permissions of another enclave.
	other := ddstest.NewKeystore(t).Enclave("/arm", ddstest.All())
	neighbour := k.Enclave("/neighbour", ddstest.All())
	for _, c := range []struct{ name, from string }{{"cert.pem", other}, {"permissions.p7s", other}, {"permissions.p7s", neighbour}} {
		path := filepath.Join(folder, c.name)
		whole, err := os.ReadFile(path)
		foreign, err2 := os.ReadFile(filepath.Join(c.from, c.name))
		if err := errors.Join(err, err2, os.WriteFile(path, foreign, 0o600)); err != nil {
			t.Fatal(err)
		}
		refused(c.name+" of "+c.from, open(nil), k.Folder, "/arm")
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused("revocation list", func() error {
		path := filepath.Join(folder, "crl.pem")
		if err := os.WriteFile(path, []byte("no such thing"), 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		return open(nil)
	}(), k.Folder)
}

// TestSecuredConformance holds a secured transport to the whole suite.
func TestSecuredConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does; the suite without security runs in both")
	}
	k := ddstest.NewKeystore(t)
	k.Enclave("/arm", ddstest.All())
	transporttest.Run(t, func(tb testing.TB) transporttest.Pair {
		domain := ddstest.Domain(tb)
		with := func(o transport.Options) transport.Options {
			o.Domain, o.Range = domain, transport.Localhost
			o.Security = &transport.Security{Keystore: k.Folder, Enclave: "/arm", Enforce: true}
			return o
		}
		near := func(tb testing.TB, o transport.Options) transport.Node {
			n, err := dds.Open(with(o))
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
		far := func(tb testing.TB, o transport.Options) transport.Node { return startPeer(tb, with(o)) }
		return transporttest.Pair{Near: near, Far: far}
	})
}
