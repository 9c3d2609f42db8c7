package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"guidedpolicysearch/node/rcl"
)

// console is what a logger wrote.
type streams struct{ stderr, stdout bytes.Buffer }

// open returns a logger with a folder for log files of its own.
func open(t *testing.T, args []string, env map[string]string) (*Logger, *streams) {
	t.Helper()
	var a *rcl.Args
	if args != nil {
		var err error
		if a, err = rcl.Parse(append([]string{"--ros-args"}, args...)); err != nil {
			t.Fatal(err)
		}
	}
	if env == nil {
		env = map[string]string{}
	}
	if _, ok := env["ROS_LOG_DIR"]; !ok {
		env["ROS_LOG_DIR"] = t.TempDir()
	}
	s := &streams{}
	l, err := New(Config{Name: "ns.gps", Executable: "/bin/gps_node", Args: a, Getenv: func(k string) string { return env[k] },
		Stderr: &s.stderr, Stdout: &s.stdout, Now: func() int64 { return 5_000_000_123 }})
	if err != nil {
		t.Fatal(err)
	}
	l.core.grace = patience // no test is to depend on how fast a machine writes
	t.Cleanup(l.Close)
	return l, s
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestConsoleAndFile(t *testing.T) {
	const warn, fatal = "[WARN] [0000000005.000000123] [ns.gps]: two\n", "[FATAL] [0000000005.000000123] [ns.gps.arm]: three\n"
	for _, c := range []struct {
		name                 string
		args                 []string
		env                  map[string]string
		stderr, stdout, file string
	}{
		{name: "default", stderr: warn + fatal, file: warn + fatal},
		{name: "stdout", env: map[string]string{"RCUTILS_LOGGING_USE_STDOUT": "1", "RCUTILS_LOGGING_BUFFERED_STREAM": "1"}, stdout: warn + fatal, file: warn + fatal},
		{name: "no console", args: []string{"--disable-stdout-logs"}, file: warn + fatal},
		{name: "no file", args: []string{"--disable-external-lib-logs"}, stderr: warn + fatal},
		{name: "colors", env: map[string]string{"RCUTILS_COLORIZED_OUTPUT": "1", "RCUTILS_CONSOLE_OUTPUT_FORMAT": "{message}"},
			stderr: "\033[33mtwo\033[0m\n\033[31mthree\033[0m\n", file: "two\nthree\n"},
		{name: "level", args: []string{"--log-level", "fatal"}, stderr: fatal, file: fatal},
		{name: "level of the child", args: []string{"--log-level", "fatal", "--log-level", "ns.gps:=warn"}, stderr: warn + fatal, file: fatal},
		{name: "no flag", env: map[string]string{"RCUTILS_COLORIZED_OUTPUT": "yes", "RCUTILS_CONSOLE_OUTPUT_FORMAT": "{message}"},
			stderr: `environment variable RCUTILS_COLORIZED_OUTPUT="yes", want 0 (never color), 1 (always color) or nothing: taken as not set` + "\ntwo\nthree\n",
			file:   `environment variable RCUTILS_COLORIZED_OUTPUT="yes", want 0 (never color), 1 (always color) or nothing: taken as not set` + "\ntwo\nthree\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, s := open(t, c.args, c.env)
			l.Debug("zero")
			l.Warn("%s", "two")
			l.Child("arm").Fatal("three")
			l.Close()
			l.Warn("after the end")
			if s.stderr.String() != c.stderr || s.stdout.String() != c.stdout {
				t.Errorf("stderr %q, want %q; stdout %q, want %q", s.stderr.String(), c.stderr, s.stdout.String(), c.stdout)
			}
			if c.file == "" {
				if l.File() != "" {
					t.Errorf("log file %s, want none", l.File())
				}
			} else if got := read(t, l.File()); got != c.file {
				t.Errorf("file %q, want %q", got, c.file)
			}
		})
	}
}

func TestFileName(t *testing.T) {
	l, _ := open(t, nil, nil)
	l.Close()
	want := regexp.MustCompile(fmt.Sprintf(`^gps_node_%d_5000\.log$`, os.Getpid()))
	if name := filepath.Base(l.File()); !want.MatchString(name) {
		t.Errorf("log file %s, want %s", name, want)
	}
}

func TestDirectory(t *testing.T) {
	for _, c := range []struct {
		logDir, rosHome, home, want string
	}{
		{"/logs", "/ros", "/home/a", "/logs"},
		{"", "/ros", "/home/a", "/ros/log"},
		{"", "", "/home/a", "/home/a/.ros/log"},
		{"~/logs", "", "/home/a", "/home/a/logs"},
		{"", "~", "/home/a", "/home/a/log"},
		{"", "", "", ""},
		{"/logs", "", "", "/logs"},
	} {
		env := map[string]string{"ROS_LOG_DIR": c.logDir, "ROS_HOME": c.rosHome, "HOME": c.home}
		got, err := Directory(func(k string) string { return env[k] })
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%v: got %q, %v, want %q", env, got, err, c.want)
		}
	}
}

// A folder that cannot be had costs one line on stderr, whatever the console is.
func TestNoFolder(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--disable-stdout-logs"}} {
		l, s := open(t, args, map[string]string{"ROS_LOG_DIR": filepath.Join(blocked, "log")})
		l.Info("goes on")
		l.Close()
		if n := strings.Count(s.stderr.String(), "no log file"); n != 1 || !strings.Contains(s.stderr.String(), "ROS_LOG_DIR") {
			t.Errorf("%v: stderr %q, want one line about the log file", args, s.stderr.String())
		}
		if strings.Contains(s.stderr.String(), "goes on") != (args == nil) {
			t.Errorf("%v: stderr %q", args, s.stderr.String())
		}
	}
}

func TestLogConfigFile(t *testing.T) {
	path := "log.conf"
	for _, c := range []struct {
		args rcl.Args
		ok   bool
	}{
		{rcl.Args{LogConfigFile: &path}, false},
		{rcl.Args{LogConfigFile: new(string), DisableExternalLibLogs: true}, true},
		{rcl.Args{LogConfigFile: &path, DisableExternalLibLogs: true}, true},
	} {
		l, err := New(Config{Name: "gps", Args: &c.args, Stderr: io.Discard})
		if (err == nil) != c.ok || err != nil && (!errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%+v: %v", c.args, err)
		}
		if err == nil {
			l.Close()
		}
	}
	if _, err := New(Config{}); !errors.Is(err, ErrConfig) {
		t.Errorf("a logger without a name: %v", err)
	}
}

func TestLevels(t *testing.T) {
	l := levels{all: Info, byName: map[string]Severity{"a": Warn, "a.b.c": Debug, "x.y": Error}}
	for name, want := range map[string]Severity{"a": Warn, "a.b": Warn, "a.b.c": Debug, "a.b.c.d": Debug, "a.bc": Warn, "ab": Info, "x": Info, "x.y.z": Error, "": Info, ".a": Info} {
		if got := l.of(name); got != want {
			t.Errorf("logger %q has level %v, want %v", name, got, want)
		}
	}
}

func TestEnabledAllocatesNothing(t *testing.T) {
	l, _ := open(t, nil, nil)
	if n := testing.AllocsPerRun(100, func() {
		if l.Enabled(Debug) || !l.Enabled(Info) {
			t.Error("wrong level")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestPlaceOfCall(t *testing.T) {
	l, s := open(t, nil, map[string]string{"RCUTILS_CONSOLE_OUTPUT_FORMAT": "{file_name} {function_name} {message}"})
	l.Info("info")
	l.Log(Info, "log")
	wrapped := func() { l.LogDepth(1, Info, "depth") }
	wrapped()
	new(Once).Log(l, Info, "cause", "once")
	new(Throttle).Log(l, Info, "throttle")
	l.Close()
	for _, got := range strings.Split(strings.TrimSpace(s.stderr.String()), "\n") {
		place := strings.Fields(got)
		if filepath.Base(place[0]) != "logger_test.go" || place[1] != "TestPlaceOfCall" {
			t.Errorf("line %q", got)
		}
	}
}

func TestAddAndRemove(t *testing.T) {
	l, _ := open(t, []string{"--disable-stdout-logs"}, nil)
	var b bytes.Buffer
	l.Info("before")
	remove := l.Add(&b)
	l.Info("during")
	remove()
	l.Info("after")
	if want := "[INFO] [0000000005.000000123] [ns.gps]: during\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	l.Close()
	l.Add(&b)() // does nothing
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteFails(t *testing.T) {
	l, s := open(t, nil, nil)
	l.Add(full{})
	for range 5 {
		l.Info("a line")
	}
	l.Close()
	if n := strings.Count(s.stderr.String(), "no space left"); n != 1 {
		t.Errorf("said %d times, want once: %q", n, s.stderr.String())
	}
	if l.Dropped() != 5 {
		t.Errorf("%d lines dropped, want 5", l.Dropped())
	}
}

// still is a terminal that takes nothing until it is let go.
type still struct {
	entered chan struct{}
	release chan struct{}
	once    sync.Once
	bytes.Buffer
}

func (s *still) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.entered) })
	<-s.release
	return s.Buffer.Write(p)
}

// A place that stands still holds up nobody, and says later how much it missed.
func TestPlaceThatStandsStill(t *testing.T) {
	l, s := open(t, nil, nil)
	to := &still{entered: make(chan struct{}), release: make(chan struct{})}
	remove := l.Add(to)
	inTime(t, "logging waited for a place that stands still", func() {
		l.Info("first")
		<-to.entered
		for range queueLength + 10 {
			l.Info("a line")
		}
	})
	close(to.release)
	inTime(t, "the lines were not written", remove)
	l.Close()
	if !strings.Contains(to.String(), "10 log lines are missing here") {
		t.Error("nothing says that lines are missing")
	}
	if n := strings.Count(s.stderr.String(), "\n"); n+int(l.Dropped()) < queueLength+11 {
		t.Errorf("the other console has %d lines and %d were dropped, of %d", n, l.Dropped(), queueLength+11)
	}
}

func TestLongMessage(t *testing.T) {
	l, s := open(t, nil, map[string]string{"RCUTILS_CONSOLE_OUTPUT_FORMAT": "{message}"})
	l.Info("x%s", strings.Repeat("é", maxMessage))
	l.Close()
	got := s.stderr.String()
	if len(got) > maxMessage+40 || !strings.HasSuffix(got, fmt.Sprintf("é... (%d bytes more)\n", maxMessage+2)) {
		t.Errorf("%d bytes, end %q", len(got), got[len(got)-40:])
	}
}

func TestRepeated(t *testing.T) {
	l, s := open(t, nil, map[string]string{"RCUTILS_CONSOLE_OUTPUT_FORMAT": "{message}"})
	var once Once
	for range 3 {
		once.Log(l, Debug, "b", "not even remembered")
		once.Log(l, Warn, "a", "a")
		once.Log(l, Warn, "b", "b")
	}
	for i := range 2 * maxCauses {
		once.first(fmt.Sprint(i))
	}
	once.Log(l, Warn, "new", "too many causes")
	slow, fast := Throttle{Period: patience * 1000}, Throttle{}
	for range 3 {
		slow.Log(l, Info, "slow")
		fast.Log(l, Info, "fast")
	}
	l.Close()
	if want := "a\nb\nslow\nfast\nfast\nfast\n"; s.stderr.String() != want {
		t.Errorf("got %q, want %q", s.stderr.String(), want)
	}
}

func TestSeveralGoroutines(t *testing.T) {
	l, s := open(t, []string{"--disable-external-lib-logs"}, map[string]string{"RCUTILS_CONSOLE_OUTPUT_FORMAT": "{message}"})
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 100 {
				l.Info("line")
				l.Add(io.Discard)()
			}
		}()
	}
	all.Wait()
	l.Close()
	if n := strings.Count(s.stderr.String(), "line\n"); n != 800 {
		t.Errorf("%d lines, want 800", n)
	}
}
