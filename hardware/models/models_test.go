package models

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/urdf"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second prefix")
	write(t, filepath.Join(first, "share/arm_description/urdf/arm.urdf"), "of the first")
	write(t, filepath.Join(second, "share/arm_description/urdf/arm.urdf"), "of the second")
	write(t, filepath.Join(second, "share/other/arm.xml"), "other")
	write(t, filepath.Join(second, "share/guided_policy_search/params/a.yaml"), "installed")
	t.Setenv("AMENT_PREFIX_PATH", first+string(filepath.ListSeparator)+second)
	for uri, want := range map[string]string{
		"package://arm_description/urdf/arm.urdf":                                    "of the first",
		"package://other/arm.xml":                                                    "other",
		"package://guided_policy_search/params/a.yaml":                               "installed",
		"file://" + filepath.Join(first, "share") + "/arm_description/urdf/arm.urdf": "of the first",
		"file://" + strings.ReplaceAll(second, " ", "%20") + "/share/other/arm.xml":  "other",
		filepath.Join(second, "share/other/arm.xml"):                                 "other",
	} {
		if got, err := Read(uri); err != nil || string(got) != want {
			t.Errorf("Read(%q) = %q, %v; want %q", uri, got, err, want)
		}
	}
	for uri, want := range map[string]string{
		"package://guided_policy_search/models/arm8.xml":      "arm7.xml",
		"package://guided_policy_search/models/":              "arm7.xml",
		"package://guided_policy_search/models/../models.go":  "arm7.xml",
		"package://arm_description/urdf/none.urdf":            first,
		"package://arm_description/../../share/other/arm.xml": "without",
		"package://arm_description":                           "package://PACKAGE/PATH",
		"package:///arm.xml":                                  "package://PACKAGE/PATH",
		"package://../x":                                      "package://PACKAGE/PATH",
		"package://arm_description/urdf":                      "not a file",
		"file://host/arm.xml":                                 "absolute path",
		"file://":                                             "absolute path",
		"file://%zz":                                          "absolute path",
		"http://example.org/arm.urdf":                         "package://, file:// or a path",
		"":                                                    "no such file",
		filepath.Join(dir, "none.urdf"):                       "none.urdf",
		dir:                                                   "not a file",
	} {
		if got, err := Read(uri); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%q) = %q, %v; want ErrNotFound with %q", uri, got, err, want)
		}
	}
}

func TestReadWithoutROS(t *testing.T) {
	t.Setenv("AMENT_PREFIX_PATH", "")
	if _, err := Read("package://arm_description/arm.urdf"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "AMENT_PREFIX_PATH is empty") {
		t.Errorf("%v: want ErrNotFound that says that no ROS 2 is sourced", err)
	}
	if data, err := Read(URI("arm7.urdf")); err != nil || !bytes.Contains(data, []byte(`<robot name="arm7">`)) {
		t.Errorf("%.40q, %v: want the model in this package", data, err)
	}
}

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.urdf")
	write(t, path, "")
	if err := os.Truncate(path, maxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v: want an error for a file of more than %d bytes", err, maxSize)
	}
}

// TestOpenReachesNeighbours holds that what a model includes can be read from the same folder.
func TestOpenReachesNeighbours(t *testing.T) {
	folder, name, err := Open(URI("arm7.xml"))
	if err != nil || name != "arm7.xml" {
		t.Fatal(name, err)
	}
	if _, err := fs.Stat(folder, "arm7_parts.xml"); err != nil {
		t.Error(err)
	}
}

// parse reads a description of this package.
func parse(t *testing.T, name string) *urdf.Model {
	t.Helper()
	data, err := Read(URI(name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := urdf.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := m.CheckInertias(m.Movable()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return m
}

// TestOneArm holds the arm with the peg to the arm without.
func TestOneArm(t *testing.T) {
	arm, peg := parse(t, "arm7.urdf"), parse(t, "peg_insertion.urdf")
	link := func(m *urdf.Model, i int) string { return m.Links[i].Name }
	for i, l := range arm.Links {
		j, ok := peg.Link(l.Name)
		if !ok {
			t.Errorf("peg_insertion.urdf has no link %s", l.Name)
			continue
		}
		if a, b := l.Inertial, peg.Links[j].Inertial; (a == nil) != (b == nil) || a != nil && *a != *b {
			t.Errorf("link %d, %s: %v in arm7.urdf and %v in peg_insertion.urdf", i, l.Name, a, b)
		}
	}
	for _, a := range arm.Joints {
		j, ok := peg.Joint(a.Name)
		if !ok {
			t.Errorf("peg_insertion.urdf has no joint %s", a.Name)
			continue
		}
		b := peg.Joints[j]
		if (a.Limit == nil) != (b.Limit == nil) || a.Limit != nil && *a.Limit != *b.Limit {
			t.Errorf("joint %s: limits %v in arm7.urdf and %v in peg_insertion.urdf", a.Name, a.Limit, b.Limit)
		}
		if a.Type != b.Type || a.Origin != b.Origin || a.Axis != b.Axis || a.Damping != b.Damping ||
			link(arm, a.Parent) != link(peg, b.Parent) || link(arm, a.Child) != link(peg, b.Child) {
			t.Errorf("joint %s differs:\narm7.urdf          %+v\npeg_insertion.urdf %+v", a.Name, a, b)
		}
	}
}
