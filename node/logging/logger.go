package logging

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/transport"
)

// ErrConfig is wrapped by the errors of New.
var ErrConfig = errors.New("invalid logging configuration")

// Config says what a node's log is. Only Name is required.
type Config struct {
	// Name is the logger's name, as rcl.NodeName.Logger has it ("robot1.gps").
	Name string
	// Executable begins the log file's name; default: that of this program.
	Executable string
	// Args holds the levels and what is switched off; nil is an empty command line.
	Args *rcl.Args
	// Getenv reads the environment; default os.Getenv.
	Getenv func(string) string
	// Stderr and Stdout are the console; default os.Stderr and os.Stdout. One that has a
	// method Fd and is a terminal gets colors.
	Stderr, Stdout io.Writer
	// Now stamps the lines, in ns since the Unix epoch; default the system clock, which
	// rclcpp takes also where the node's time is simulated.
	Now func() int64
}

// Logger logs under one name. Its methods may be called from several goroutines, and none but
// Close waits for anything.
type Logger struct {
	core  *core
	name  string
	level Severity
}

// core is what a logger and its children share.
type core struct {
	name       string // of the first logger
	now        func() int64
	levels     levels
	complaints *outlet       // on stderr, for what is wrong with the log itself
	rosout     *rosout       // nil if switched off
	path       string        // of the log file, or empty
	grace      time.Duration // that closing gives what is in the queues

	mu      sync.Mutex
	closed  bool
	outlets atomic.Pointer[[]*outlet] // that get every line; replaced with mu held
	all     []*outlet                 // that have a goroutine
}

// New opens the log. A log file that cannot be made is said on stderr and is no error: errors,
// which wrap ErrConfig, are an empty name and a log configuration file, which the logging
// library of Humble refuses too.
func New(c Config) (*Logger, error) {
	if c.Name == "" {
		return nil, fmt.Errorf("%w: the logger has no name", ErrConfig)
	}
	args := c.Args
	if args == nil {
		args = &rcl.Args{}
	}
	if file := args.LogConfigFile; file != nil && *file != "" && !args.DisableExternalLibLogs {
		return nil, fmt.Errorf("%w: --log-config-file %s: log configuration files are not supported, use --log-level", ErrConfig, *file)
	}
	if c.Executable == "" {
		c.Executable = os.Args[0]
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Now == nil {
		c.Now = func() int64 { return time.Now().UnixNano() }
	}
	k := &core{name: c.Name, now: c.Now, levels: newLevels(args), grace: closeGrace}
	k.outlets.Store(&[]*outlet{})
	env := readEnvironment(c.Getenv)
	k.console(c, args, env)
	if !args.DisableRosoutLogs {
		k.rosout = &rosout{outlet: newOutlet(rosoutDepth)}
		k.attach(k.rosout.outlet)
	}
	if !args.DisableExternalLibLogs {
		k.file(c, args, env)
	}
	l := k.logger(c.Name)
	for _, w := range env.warnings {
		l.Warn("%s", w)
	}
	return l, nil
}

// console opens the outlet to the terminal, and the one for complaints.
func (c *core) console(cfg Config, args *rcl.Args, env environment) {
	stream := cfg.Stderr
	if env.useStdout {
		stream = cfg.Stdout
	}
	open := func(to io.Writer, f format) *outlet {
		colored := false
		if env.colored != nil {
			colored = *env.colored
		} else if t, ok := to.(interface{ Fd() uintptr }); ok {
			colored = term.IsTerminal(int(t.Fd()))
		}
		o := c.open(newOutlet(queueLength), &text{to: to, format: f, colored: colored}, nil)
		c.all = append(c.all, o)
		return o
	}
	if !args.DisableStdoutLogs {
		c.complaints = open(stream, parseFormat(env.format))
		c.attach(c.complaints)
	}
	if args.DisableStdoutLogs || env.useStdout {
		c.complaints = open(cfg.Stderr, parseFormat(DefaultFormat))
	}
}

// file opens the outlet to the log file.
func (c *core) file(cfg Config, args *rcl.Args, env environment) {
	f, err := createFile(cfg.Getenv, cfg.Executable, c.now())
	if err != nil {
		c.complain(fmt.Errorf("no log file: %w", err))
		return
	}
	c.path = f.Name()
	o := newOutlet(queueLength)
	// rcl gives the library the level of all loggers, and no other.
	o.lowest = Severity(args.LogLevel)
	c.open(o, &text{to: f, format: parseFormat(env.format), failed: func(err error) {
		c.complain(fmt.Errorf("log file: %w; later failures are not said", err))
	}}, f)
	c.all = append(c.all, o)
	c.attach(o)
}

// attach lets an outlet have every line.
func (c *core) attach(o *outlet) {
	outlets := append(slices.Clone(*c.outlets.Load()), o)
	c.outlets.Store(&outlets)
}

// complain says on stderr what is wrong with the log itself.
func (c *core) complain(err error) { c.complaints.put(c.own(Error, err.Error())) }

func (c *core) logger(name string) *Logger {
	return &Logger{core: c, name: name, level: c.levels.of(name)}
}

// File is the path of the log file, or empty where there is none.
func (l *Logger) File() string { return l.core.path }

// Child returns the logger that is called as this one with ".name" after it, with a level of
// its own if the command line gives it one.
func (l *Logger) Child(name string) *Logger { return l.core.logger(l.name + "." + name) }

// Enabled says if lines of the severity are logged. It does not allocate.
func (l *Logger) Enabled(s Severity) bool { return s >= l.level }

// Debug logs a line for the developer of the node.
func (l *Logger) Debug(format string, args ...any) { l.LogDepth(1, Debug, format, args...) }

// Info logs what happened.
func (l *Logger) Info(format string, args ...any) { l.LogDepth(1, Info, format, args...) }

// Warn logs what may go wrong.
func (l *Logger) Warn(format string, args ...any) { l.LogDepth(1, Warn, format, args...) }

// Error logs what went wrong.
func (l *Logger) Error(format string, args ...any) { l.LogDepth(1, Error, format, args...) }

// Fatal logs what ends the node; to end it is the caller's.
func (l *Logger) Fatal(format string, args ...any) { l.LogDepth(1, Fatal, format, args...) }

// Log logs a line, formatted as by fmt.Sprintf. A message is cut at 64 KiB.
func (l *Logger) Log(s Severity, format string, args ...any) { l.LogDepth(1, s, format, args...) }

// LogDepth is Log for functions that log for others: depth 0 gives the line the place of the
// call of LogDepth, 1 that of its caller, and so on.
func (l *Logger) LogDepth(depth int, s Severity, format string, args ...any) {
	if !l.Enabled(s) {
		return
	}
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		cut := maxMessage
		for cut > 0 && !utf8.RuneStart(message[cut]) {
			cut--
		}
		message = fmt.Sprintf("%s... (%d bytes more)", message[:cut], len(message)-cut)
	}
	file, function, number := call(depth + 2)
	record := &line{stamp: l.core.now(), severity: s, name: l.name, message: message, file: file, function: function, number: number}
	for _, o := range *l.core.outlets.Load() {
		o.put(record)
	}
}

// Add lets w have every line too, in the default format, from a goroutine of its own. remove,
// which may be called once w is to be closed, ends that: it waits until w has what was logged
// before, for no longer than a grace period.
func (l *Logger) Add(w io.Writer) (remove func()) {
	c := l.core
	o := newOutlet(queueLength)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return func() {}
	}
	c.open(o, &text{to: w, format: parseFormat(DefaultFormat), failed: func(err error) {
		c.complain(fmt.Errorf("a log was not written: %w; later failures are not said", err))
	}}, nil)
	c.all = append(c.all, o)
	c.attach(o)
	return func() {
		c.mu.Lock()
		outlets := slices.DeleteFunc(slices.Clone(*c.outlets.Load()), func(x *outlet) bool { return x == o })
		c.outlets.Store(&outlets)
		c.all = slices.DeleteFunc(c.all, func(x *outlet) bool { return x == o })
		c.mu.Unlock()
		o.queue.close()
		ended, stop := startGrace(c.grace)
		defer stop()
		o.queue.wait(ended)
	}
}

// Rosout says if the log is to be published: not with --disable-rosout-logs.
func (l *Logger) Rosout() bool { return l.core.rosout != nil }

// Publish publishes the log with p, a publisher of RosoutTopic and RosoutQoS, beginning with
// up to 1000 lines that were logged before. p stays the caller's, who closes it after the
// logger. Called again, it goes on with the other publisher.
func (l *Logger) Publish(p transport.Publisher) {
	c := l.core
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rosout == nil || c.closed {
		return
	}
	if !c.rosout.started() {
		c.all = append(c.all, c.rosout.outlet)
	}
	c.rosout.start(c, p)
}

// Dropped is how many lines did not get to all the places they were for.
func (l *Logger) Dropped() uint64 {
	c := l.core
	c.mu.Lock()
	defer c.mu.Unlock()
	var n uint64
	for _, o := range c.all {
		n += o.queue.total()
	}
	if c.rosout != nil && !c.rosout.started() {
		n += c.rosout.outlet.queue.total()
	}
	return n
}

// Close writes what is waiting, within a grace period of half a second for all places
// together. It ends the logger and its children; what they log later goes nowhere.
func (l *Logger) Close() {
	c := l.core
	c.mu.Lock()
	all := c.all
	c.closed = true
	c.outlets.Store(&[]*outlet{})
	c.mu.Unlock()
	ended, stop := startGrace(c.grace)
	defer stop()
	// The complaints last: the others may have some to make.
	for _, o := range all {
		if o != c.complaints {
			o.queue.close()
		}
	}
	for _, o := range all {
		if o != c.complaints {
			o.queue.wait(ended)
		}
	}
	c.complaints.queue.close()
	c.complaints.queue.wait(ended)
}
