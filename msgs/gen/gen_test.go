package gen_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/gen"
)

// jobs returns the runs of the generator that go generate does in package msgs.
func jobs(t *testing.T) []gen.Job {
	t.Helper()
	text, err := os.ReadFile("../msgs.go")
	if err != nil {
		t.Fatal(err)
	}
	var jobs []gen.Job
	for _, line := range strings.Split(string(text), "\n") {
		if args, ok := strings.CutPrefix(line, "//go:generate go run ./cmd/msggen "); ok {
			job, err := gen.ParseArgs("..", strings.Fields(args))
			if err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, job)
		}
	}
	if len(jobs) != 2 {
		t.Fatalf("%d go:generate lines, want 2", len(jobs))
	}
	return jobs
}

// TestFresh compares the committed files with what the definitions give now.
func TestFresh(t *testing.T) {
	for _, job := range jobs(t) {
		files, err := job.Files()
		if err != nil {
			t.Fatal(err)
		}
		for rel, want := range files {
			got, err := os.ReadFile(filepath.Join(job.Out, rel))
			if err != nil {
				t.Errorf("%v: run go generate in msgs", err)
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s is not what the definitions give: run go generate in msgs", rel)
			}
		}
		stale, err := job.Stale(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, rel := range stale {
			t.Errorf("%s has no definition any more: run go generate in msgs", rel)
		}
	}
}

// TestDefinitionsShipped checks that the ROS package names every definition it has.
func TestDefinitionsShipped(t *testing.T) {
	cmake, err := os.ReadFile("../CMakeLists.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"msg", "srv", "action"} {
		paths, err := filepath.Glob("../" + kind + "/*." + kind)
		if err != nil {
			t.Fatal(err)
		}
		if kind == "msg" && len(paths) == 0 {
			t.Error("no messages")
		}
		for _, path := range paths {
			if name := `"` + kind + "/" + filepath.Base(path) + `"`; !strings.Contains(string(cmake), name) {
				t.Errorf("CMakeLists.txt does not name %s", name)
			}
		}
	}
}

func TestWriteRemovesStale(t *testing.T) {
	src, out := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(src, "toy_msgs", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func() []string {
		job, err := gen.ParseArgs("/", []string{"-import", "toy", "-out", out, src})
		if err != nil {
			t.Fatal(err)
		}
		if err := job.Write(); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(out, "toy_msgs", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			found[i] = filepath.Base(found[i])
		}
		return found
	}
	write("msg/FooLinux.msg", "int32 a\n")
	write("msg/HTTPTest.msg", "FooLinux a\n")
	if got := strings.Join(run(), " "); got != "doc.gen.go foo_linux_msg.gen.go http_test_msg.gen.go" {
		t.Errorf("files %s", got)
	}
	if err := os.Remove(filepath.Join(src, "toy_msgs", "msg", "HTTPTest.msg")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(run(), " "); got != "doc.gen.go foo_linux_msg.gen.go" {
		t.Errorf("files %s", got)
	}
}

func TestBadDefinitions(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{"unknown message", "Missing a\n", "toy_msgs/msg/Missing"},
		{"cycle", "A a\n", "contains itself"},
		{"same Go name", "int8 a_1b\nint8 a1b\n", "two fields that become A1b"},
		{"syntax", "int8\n", "A.msg:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "msg"), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "msg", "A.msg"), []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := gen.Generate([]gen.Source{{Package: "toy_msgs", Dir: dir, Import: "toy", Emit: true}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name string
		file string
		want string
	}{
		{"service without its event's info", "srv/B.srv", "unknown type: service_msgs/msg/ServiceEventInfo"},
		{"message and service of one name", "srv/A.srv", "toy_msgs/msg/A and toy_msgs/srv/A would be one Go type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"msg/A.msg": "int8 a\n", c.file: "---\n"} {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			_, err := gen.Generate([]gen.Source{{Package: "toy_msgs", Dir: dir, Import: "toy", Emit: true}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	_, err := gen.Generate([]gen.Source{{Package: "toy_msgs", Dir: "/nonexistent", Import: "toy", Emit: true}})
	if !errors.Is(err, gen.ErrDefinition) {
		t.Errorf("error %v for a folder without definitions", err)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{
		nil, {"-import", "x"}, {"-import", "x", "-out", "y"}, {"-nonsense"},
		{"-import", "x", "-out", "y", "/nonexistent"}, {"-import", "x", "-out", "y", "-dep", "z", "a=b"},
	} {
		if _, err := gen.ParseArgs(".", args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestGoName(t *testing.T) {
	for field, want := range map[string]string{
		"x": "X", "frame_id": "FrameId", "a_1b": "A1b", "type_name": "TypeName_", "type_hash": "TypeHash_", "k_gain": "KGain",
	} {
		if got := gen.GoName(field); got != want {
			t.Errorf("GoName(%q) = %q, want %q", field, got, want)
		}
	}
}
