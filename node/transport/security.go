package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Security makes a node join as an enclave of a keystore (SROS 2): others
// must prove who they are, may do what the keystore's signed permissions
// allow, and see what passes on the network encrypted, as far as its
// governance says so.
type Security struct {
	// Keystore is the folder that `ros2 security create_keystore` makes.
	Keystore string
	// Enclave is the one whose files are used, those in the folder
	// enclaves/<enclave> of the keystore; default that of the Options.
	Enclave string
	// Enforce refuses to make a node where a file is missing. Without it the
	// node then joins without security, as ROS_SECURITY_STRATEGY=Permissive
	// has it, and Options.Warn is told. Files that are there but of no use
	// are refused either way.
	Enforce bool
}

// securityFromEnvironment is nil where ROS 2 has security off.
func securityFromEnvironment(getenv func(string) string) (*Security, error) {
	if getenv("ROS_SECURITY_ENABLE") != "true" {
		return nil, nil
	}
	s := &Security{Keystore: getenv("ROS_SECURITY_KEYSTORE"), Enclave: getenv("ROS_SECURITY_ENCLAVE_OVERRIDE"),
		Enforce: getenv("ROS_SECURITY_STRATEGY") == "Enforce"}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("environment variable ROS_SECURITY_ENCLAVE_OVERRIDE: %w", err)
	}
	return s, nil
}

// validate keeps the path of the enclave inside the keystore.
func (s *Security) validate() error {
	if s.Enclave == "" || s.Enclave == "/" {
		return nil
	}
	return checkPath("enclave", s.Enclave)
}

// SecurityFiles are the paths of an enclave's files.
type SecurityFiles struct {
	IdentityCA    string // certificate of who signs identities
	Certificate   string // the enclave's identity
	PrivateKey    string // of Certificate
	PermissionsCA string // certificate of who signs governance and permissions
	Governance    string // signed XML: what is protected, and how
	Permissions   string // signed XML: the topics that the enclave may use
	Revoked       string // revocation list of identities; empty if there is none
}

// Files finds the enclave's files, which are what ROS 2's DDS middlewares ask
// for. The error of one that is missing wraps fs.ErrNotExist, every error
// ErrInvalid.
func (s *Security) Files() (SecurityFiles, error) {
	fail := func(err error) (SecurityFiles, error) {
		return SecurityFiles{}, fmt.Errorf("security is on (ROS_SECURITY_ENABLE=true): %w: %w", err, ErrInvalid)
	}
	if err := s.validate(); err != nil {
		return fail(err)
	}
	if s.Keystore == "" {
		return fail(fmt.Errorf("the keystore is not given, set ROS_SECURITY_KEYSTORE to the folder that `ros2 security create_keystore` made: %w", os.ErrNotExist))
	}
	enclave := s.Enclave
	if enclave == "" {
		enclave = "/"
	}
	folder := filepath.Join(s.Keystore, "enclaves", filepath.FromSlash(enclave))
	var f SecurityFiles
	var errs []error
	for _, x := range []struct {
		path     *string
		name     string
		optional bool
	}{
		{&f.IdentityCA, "identity_ca.cert.pem", false},
		{&f.Certificate, "cert.pem", false},
		{&f.PrivateKey, "key.pem", false},
		{&f.PermissionsCA, "permissions_ca.cert.pem", false},
		{&f.Governance, "governance.p7s", false},
		{&f.Permissions, "permissions.p7s", false},
		{&f.Revoked, "crl.pem", true},
	} {
		path := filepath.Join(folder, x.name)
		err := readable(path)
		if err == nil {
			*x.path = path
		} else if !x.optional || !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := worst(errs); err != nil {
		return fail(fmt.Errorf("enclave %s: %w; `ros2 security create_enclave %s %s` makes its files", enclave, err, s.Keystore, enclave))
	}
	return f, nil
}

// WithoutSecurity is for a transport that cannot join as the enclave: where
// security is enforced it returns an error, otherwise it tells Warn.
func (o Options) WithoutSecurity(why error) error {
	if o.Security.Enforce {
		return fmt.Errorf("%w; the node does not start, because ROS_SECURITY_STRATEGY=Enforce", why)
	}
	if o.Warn != nil {
		o.Warn(fmt.Errorf("the node joins WITHOUT security: %w; set ROS_SECURITY_STRATEGY=Enforce to have it refused", why))
	}
	return nil
}

// worst is the first error of a file that is there, else the first.
func worst(errs []error) error {
	for _, err := range errs {
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// readable returns an error that names the file unless it is one with content.
func readable(path string) error {
	// A pipe must not be waited for.
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1)); err == io.EOF {
		return fmt.Errorf("%s is empty", path)
	} else if err != nil {
		return err
	}
	return nil
}
