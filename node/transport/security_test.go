package transport_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"guidedpolicysearch/node/transport"
)

func TestSecurityFromEnvironment(t *testing.T) {
	const on, keystore, override, strategy = "ROS_SECURITY_ENABLE", "ROS_SECURITY_KEYSTORE", "ROS_SECURITY_ENCLAVE_OVERRIDE", "ROS_SECURITY_STRATEGY"
	for _, c := range []struct {
		env  map[string]string
		want *transport.Security
		err  string
	}{
		{map[string]string{keystore: "/k", strategy: "Enforce", override: "../x"}, nil, ""},
		{map[string]string{on: "True", keystore: "/k"}, nil, ""},
		{map[string]string{on: "1", keystore: "/k"}, nil, ""},
		{map[string]string{on: "true"}, &transport.Security{Enclave: "/arm"}, ""},
		{map[string]string{on: "true", keystore: "/k"}, &transport.Security{Keystore: "/k", Enclave: "/arm"}, ""},
		{map[string]string{on: "true", keystore: "/k", strategy: "enforce"}, &transport.Security{Keystore: "/k", Enclave: "/arm"}, ""},
		{map[string]string{on: "true", keystore: "k", strategy: "Enforce"}, &transport.Security{Keystore: "k", Enclave: "/arm", Enforce: true}, ""},
		{map[string]string{on: "true", keystore: "/k", override: "/"}, &transport.Security{Keystore: "/k", Enclave: "/"}, ""},
		{map[string]string{on: "true", keystore: "/k", override: "/cell/arm"}, &transport.Security{Keystore: "/k", Enclave: "/cell/arm"}, ""},
		{map[string]string{on: "true", keystore: "/k", override: "/../../etc"}, nil, override},
		{map[string]string{on: "true", keystore: "/k", override: "arm"}, nil, override},
		{map[string]string{on: "true", keystore: "/k", override: "/arm/"}, nil, override},
	} {
		o, err := transport.Options{Name: "a", Enclave: "/arm"}.FromEnvironment(func(k string) string { return c.env[k] })
		if c.err != "" {
			if !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: error %v, want one that names %s", c.env, err, c.err)
			}
			continue
		}
		if o = o.WithDefaults(); err != nil || o.Enclave != "/arm" || !reflect.DeepEqual(o.Security, c.want) {
			t.Errorf("%v: %+v, %v, want %+v", c.env, o.Security, err, c.want)
		}
	}
}

func TestSecurityFiles(t *testing.T) {
	names := []string{"identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem", "governance.p7s", "permissions.p7s"}
	// layOut lays out a keystore with an enclave, whose files are links as sros2 makes them.
	layOut := func(t *testing.T, enclave string) (keystore, folder string) {
		t.Helper()
		keystore = t.TempDir()
		folder = filepath.Join(keystore, "enclaves", enclave)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(keystore, "file")
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.Symlink(file, filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
		return keystore, folder
	}
	for _, enclave := range []string{"/", "/arm", "/cell/arm"} {
		keystore, folder := layOut(t, enclave)
		s := transport.Security{Keystore: keystore, Enclave: enclave}
		f, err := s.Files()
		at := func(name string) string { return filepath.Join(folder, name) }
		want := transport.SecurityFiles{IdentityCA: at("identity_ca.cert.pem"), Certificate: at("cert.pem"), PrivateKey: at("key.pem"),
			PermissionsCA: at("permissions_ca.cert.pem"), Governance: at("governance.p7s"), Permissions: at("permissions.p7s")}
		if err != nil || f != want {
			t.Errorf("%s: %+v, %v, want %+v", enclave, f, err, want)
		}
		crl := filepath.Join(folder, "crl.pem")
		if err := os.WriteFile(crl, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err = s.Files(); err != nil || f.Revoked != crl {
			t.Errorf("%s with a revocation list: %+v, %v", enclave, f, err)
		}
	}
	replace := func(with func(path string) error) func(folder string) error {
		return func(folder string) error {
			path := filepath.Join(folder, "key.pem")
			return errors.Join(os.Remove(path), with(path))
		}
	}
	for _, c := range []struct {
		name    string
		spoil   func(folder string) error
		missing bool
		says    string
	}{
		{"missing", replace(func(string) error { return nil }), true, "key.pem"},
		{"link to nowhere", replace(func(path string) error { return os.Symlink("nowhere", path) }), true, "key.pem"},
		{"no folder", os.RemoveAll, true, "identity_ca.cert.pem"},
		{"empty", replace(func(path string) error { return os.WriteFile(path, nil, 0o600) }), false, "key.pem is empty"},
		{"folder", replace(func(path string) error { return os.Mkdir(path, 0o700) }), false, "key.pem is not a regular file"},
		{"pipe", replace(func(path string) error { return syscall.Mkfifo(path, 0o600) }), false, "key.pem is not a regular file"},
		{"empty and missing", func(folder string) error {
			return errors.Join(os.Remove(filepath.Join(folder, "cert.pem")), replace(func(path string) error { return os.WriteFile(path, nil, 0o600) })(folder))
		}, false, "key.pem is empty"},
		{"empty revocation list", func(folder string) error { return os.WriteFile(filepath.Join(folder, "crl.pem"), nil, 0o600) }, false, "crl.pem is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keystore, folder := layOut(t, "/arm")
			if err := c.spoil(folder); err != nil {
				t.Fatal(err)
			}
			_, err := (&transport.Security{Keystore: keystore, Enclave: "/arm"}).Files()
			if !errors.Is(err, transport.ErrInvalid) || errors.Is(err, fs.ErrNotExist) != c.missing ||
				!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "ros2 security create_enclave "+keystore+" /arm") {
				t.Errorf("%v, want one that mentions %s and create_enclave, missing: %v", err, c.says, c.missing)
			}
		})
	}
	if _, err := (&transport.Security{Enclave: "/arm"}).Files(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "ROS_SECURITY_KEYSTORE") {
		t.Errorf("without a keystore: %v", err)
	}
	keystore, _ := layOut(t, "/arm")
	if _, err := (&transport.Security{Keystore: keystore, Enclave: "/../enclaves/arm"}).Files(); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("an enclave outside the keystore: %v", err)
	}
}
