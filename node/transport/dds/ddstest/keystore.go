package ddstest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Keystore is a folder as `ros2 security create_keystore` makes it, made by the openssl
// command. One authority signs identities and permissions.
type Keystore struct {
	Folder string
	tb     testing.TB
}

// Grant is what an enclave may do on every domain, by DDS topic names, in which * matches
// any text ("rt/joint_states", "rq/*").
type Grant struct{ Publish, Subscribe []string }

// All allows everything.
func All() Grant { return Grant{[]string{"*"}, []string{"*"}} }

// NewKeystore makes an authority and the governance that SROS 2 has: nobody takes part
// without an identity, and everything is encrypted.
func NewKeystore(tb testing.TB) *Keystore {
	tb.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		tb.Fatalf("%v: the keystore of this test is made by the openssl command; install the package openssl (scripts/install_dependencies.sh does)", err)
	}
	k := &Keystore{Folder: tb.TempDir(), tb: tb}
	for _, folder := range []string{"public", "private", "enclaves"} {
		k.must(os.Mkdir(filepath.Join(k.Folder, folder), 0o755))
	}
	k.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
		"-subj", "/CN=sros2CA", "-keyout", "private/ca.key.pem", "-out", "public/ca.cert.pem")
	k.sign("enclaves/governance", governance)
	return k
}

// Environment are the variables that make a program join with an enclave of the keystore, and
// refuse to start without.
func (k *Keystore) Environment() []string {
	return []string{"ROS_SECURITY_ENABLE=true", "ROS_SECURITY_STRATEGY=Enforce", "ROS_SECURITY_KEYSTORE=" + k.Folder}
}

// Enclave makes an enclave ("/robot1/arm") and returns its folder.
func (k *Keystore) Enclave(enclave string, g Grant) string {
	k.tb.Helper()
	name := filepath.Join("enclaves", enclave)
	folder := filepath.Join(k.Folder, name)
	k.must(os.MkdirAll(folder, 0o755))
	at := func(file string) string { return filepath.Join(name, file) }
	k.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-subj", "/CN="+strings.ReplaceAll(enclave, "/", `\/`), "-keyout", at("key.pem"), "-out", at("request.pem"))
	k.openssl("x509", "-req", "-days", "2", "-in", at("request.pem"), "-CA", "public/ca.cert.pem", "-CAkey", "private/ca.key.pem",
		"-set_serial", fmt.Sprint(time.Now().UnixNano()), "-out", at("cert.pem"))
	k.sign(at("permissions"), permissions(enclave, g))
	for link, file := range map[string]string{"identity_ca.cert.pem": "public/ca.cert.pem",
		"permissions_ca.cert.pem": "public/ca.cert.pem", "governance.p7s": "enclaves/governance.p7s"} {
		k.must(os.Symlink(filepath.Join(k.Folder, file), filepath.Join(folder, link)))
	}
	return folder
}

// sign writes name.xml and, signed by the authority, name.p7s.
func (k *Keystore) sign(name, text string) {
	k.tb.Helper()
	k.must(os.WriteFile(filepath.Join(k.Folder, name+".xml"), []byte(text), 0o644))
	k.openssl("smime", "-sign", "-text", "-in", name+".xml", "-out", name+".p7s", "-signer", "public/ca.cert.pem", "-inkey", "private/ca.key.pem")
}

func (k *Keystore) openssl(args ...string) {
	k.tb.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = k.Folder
	if out, err := cmd.CombinedOutput(); err != nil {
		k.tb.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func (k *Keystore) must(err error) {
	k.tb.Helper()
	if err != nil {
		k.tb.Fatal(err)
	}
}

const domains = `<domains><id_range><min>0</min><max>230</max></id_range></domains>`

const governance = `<?xml version="1.0" encoding="UTF-8"?>
<dds><domain_access_rules><domain_rule>` + domains + `
<allow_unauthenticated_participants>false</allow_unauthenticated_participants>
<enable_join_access_control>true</enable_join_access_control>
<discovery_protection_kind>ENCRYPT</discovery_protection_kind>
<liveliness_protection_kind>ENCRYPT</liveliness_protection_kind>
<rtps_protection_kind>SIGN</rtps_protection_kind>
<topic_access_rules><topic_rule>
<topic_expression>*</topic_expression>
<enable_discovery_protection>true</enable_discovery_protection>
<enable_liveliness_protection>true</enable_liveliness_protection>
<enable_read_access_control>true</enable_read_access_control>
<enable_write_access_control>true</enable_write_access_control>
<metadata_protection_kind>ENCRYPT</metadata_protection_kind>
<data_protection_kind>ENCRYPT</data_protection_kind>
</topic_rule></topic_access_rules>
</domain_rule></domain_access_rules></dds>
`

func permissions(enclave string, g Grant) string {
	topics := func(what string, names []string) string {
		if len(names) == 0 {
			return ""
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, "<%s><topics>\n", what)
		for _, name := range names {
			b.WriteString("<topic>")
			_ = xml.EscapeText(&b, []byte(name)) // a Buffer takes everything
			b.WriteString("</topic>\n")
		}
		fmt.Fprintf(&b, "</topics></%s>\n", what)
		return b.String()
	}
	now := time.Now().UTC()
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<dds><permissions><grant name="%[1]s">
<subject_name>CN=%[1]s</subject_name>
<validity><not_before>%[2]s</not_before><not_after>%[3]s</not_after></validity>
<allow_rule>%[4]s
%[5]s%[6]s</allow_rule>
<default>DENY</default>
</grant></permissions></dds>
`, enclave, now.AddDate(0, 0, -1).Format("2006-01-02T15:04:05"), now.AddDate(0, 0, 1).Format("2006-01-02T15:04:05"), domains,
		topics("publish", g.Publish), topics("subscribe", g.Subscribe))
}
