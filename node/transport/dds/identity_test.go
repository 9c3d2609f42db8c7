//go:build !rclgo

package dds

import (
	"bytes"
	"testing"
)

func TestUserValue(t *testing.T) {
	for _, c := range []struct{ data, key, want string }{
		{"serviceid= 1.2.f;", serviceKey, " 1.2.f"},
		{"serviceid=1;typehash=RIHS01_ab;", hashKey, "RIHS01_ab"},
		{"typehash=RIHS01_ab;serviceid=1", serviceKey, "1"},
		{"enclave=/a;", enclaveKey, "/a"},
		{"enclave=/;", clientKey, ""},
		{"clientid;", clientKey, ""},
		{";;=;=x;clientid==;", clientKey, "="},
		{"", clientKey, ""},
	} {
		if got := userValue(c.data, c.key); got != c.want {
			t.Errorf("%s in %q: %q, want %q", c.key, c.data, got, c.want)
		}
	}
}

func TestIdentityBytes(t *testing.T) {
	id := identity{client: 0x0102030405060708, seq: -2}
	for _, c := range []struct{ payload, want []byte }{
		{[]byte{0, 1, 0, 0, 9}, []byte{0, 1, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 0xfe, 255, 255, 255, 255, 255, 255, 255, 9}},
		{[]byte{0, 0, 0, 0, 9}, []byte{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 255, 255, 255, 255, 255, 255, 0xfe, 9}},
	} {
		if got := withIdentity(nil, c.payload, id); !bytes.Equal(got, c.want) {
			t.Errorf("request % x, want % x", got, c.want)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0})
	f.Add(withIdentity(nil, []byte{0, 1, 0, 0, 5}, identity{3, 4}))
	f.Add(withIdentity(nil, []byte{0, 0, 0, 0}, identity{3, 4}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		original := bytes.Clone(payload)
		id, body, ok := cutIdentity(payload)
		if ok != (len(original) >= 20) {
			t.Fatalf("%d bytes: %v", len(original), ok)
		}
		if ok && !bytes.Equal(withIdentity(nil, body, id), original) {
			t.Fatalf("% x became % x and % x", original, id, body)
		}
	})
}
