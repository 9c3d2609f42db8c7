package rcl

import (
	"errors"
	"fmt"
)

// ErrArguments is wrapped by every error about the command line itself.
var ErrArguments = errors.New("invalid ROS arguments")

// Args is what the ROS arguments of a command line say (rcl_arguments_t).
type Args struct {
	Remaps       []Remap
	ParamsFiles  []string
	LogLevel     LogLevel      // of every logger; LogUnset where not given
	LoggerLevels []LoggerLevel // by logger, in the order first given
	// LogConfigFile is nil where not given. Only an empty one passes Check.
	LogConfigFile *string
	Enclave       *string // nil where not given; the default is "/"
	// What --enable-* and --disable-* set.
	DisableStdoutLogs, DisableRosoutLogs, DisableExternalLibLogs bool

	Unparsed   []string // arguments that are not for ROS, in order
	UnknownROS []string // arguments between --ros-args and -- that ROS does not know
	Deprecated []string // remap rules outside --ros-args: taken, worth a warning

	stores []*store // of this command line; with node arguments, theirs follow
}

// Parse reads the arguments after the program's name as rcl_parse_arguments does, with the
// parameter files they name. It stops at the first argument that rcl refuses; the error wraps
// ErrArguments or ErrParameters. Unknown ROS arguments are no error here: see Check.
func Parse(argv []string) (*Args, error) {
	a := &Args{}
	s := &store{}
	a.stores = []*store{s}
	inROS := false
	for i := 0; i < len(argv); i++ {
		arg := argv[i]
		switch {
		case arg == "--ros-args":
			inROS = true
		case !inROS:
			a.plain(arg)
		case arg == "--":
			inROS = false
		default:
			take, takesValue := rosFlags[arg]
			if !takesValue {
				a.flag(arg)
				continue
			}
			if i++; i == len(argv) {
				return nil, &SourceError{Source: Position{Argument: arg}, Err: ErrArguments,
					Problem: "the last argument, expected " + take.expected + " after it"}
			}
			if err := take.read(a, s, argv[i], Position{Argument: arg + " " + argv[i]}); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// plain takes an argument outside --ros-args.
func (a *Args) plain(arg string) {
	rule, err := parseRemap(arg)
	if err != nil {
		a.Unparsed = append(a.Unparsed, arg)
		return
	}
	a.Remaps = append(a.Remaps, rule)
	a.Deprecated = append(a.Deprecated, arg)
}

// rosFlag is a ROS argument with a value.
type rosFlag struct {
	expected string
	read     func(a *Args, s *store, value string, at Position) error
}

var rosFlags = map[string]rosFlag{
	"-p":                {"name:=value", readParam},
	"--param":           {"name:=value", readParam},
	"-r":                {"from:=to", readRemap},
	"--remap":           {"from:=to", readRemap},
	"--params-file":     {"a file", readParamsFile},
	"--log-level":       {"[logger:=]level", readLogLevel},
	"--log-config-file": {"a file", readLogConfigFile},
	"-e":                {"an enclave", readEnclave},
	"--enclave":         {"an enclave", readEnclave},
}

func readParam(_ *Args, s *store, value string, at Position) error {
	rule, err := parseParamRule(value)
	if err != nil {
		return &SourceError{Source: at, Problem: err.Error(), Err: ErrArguments}
	}
	return s.readParam(rule, at)
}

// readParam adds a parameter rule (rcl_parse_yaml_value).
func (s *store) readParam(rule paramRule, at Position) error {
	if len(rule.name) > maxNameLength || len(rule.value) > maxFileSize {
		return &SourceError{Source: Position{Argument: rule.name[:min(80, len(rule.name))]}, Err: ErrParameters,
			Problem: fmt.Sprintf("expected a name of at most %d bytes and a value of at most %d", maxNameLength, maxFileSize)}
	}
	if err := s.grow(at); err != nil {
		return err
	}
	n, err := s.find(rule.node, at)
	if err != nil {
		return err
	}
	node := s.nodes[n]
	e := node.entries[node.find(rule.name)]
	if e.latest.IsZero() {
		e.latest = at
	}
	r := valueReader{store: s}
	return readEvents([]byte(rule.value), at, func(ev event) error {
		switch ev.kind {
		case scalarEvent:
			return r.scalar(ev, e)
		case sequenceStart:
			r.beginSequence(at)
		case sequenceEnd:
			r.inSequence = false
		default:
			return &SourceError{Source: at, Err: ErrParameters,
				Problem: "a map or an alias as value, expected a scalar or a sequence of one type" + quoteText}
		}
		return nil
	})
}

func readRemap(a *Args, _ *store, value string, at Position) error {
	rule, err := parseRemap(value)
	if err != nil {
		return &SourceError{Source: at, Problem: err.Error(), Err: ErrArguments}
	}
	a.Remaps = append(a.Remaps, rule)
	return nil
}

func readParamsFile(a *Args, s *store, value string, _ Position) error {
	a.ParamsFiles = append(a.ParamsFiles, value)
	return s.readFile(value)
}

func readLogLevel(a *Args, _ *store, value string, at Position) error {
	logger, level, err := parseLogLevel(value)
	if err != nil {
		return &SourceError{Source: at, Problem: err.Error(), Err: ErrArguments}
	}
	if logger == "" {
		a.LogLevel = level
		return nil
	}
	for i := range a.LoggerLevels {
		if a.LoggerLevels[i].Logger == logger {
			a.LoggerLevels[i].Level = level
			return nil
		}
	}
	a.LoggerLevels = append(a.LoggerLevels, LoggerLevel{Logger: logger, Level: level})
	return nil
}

func readLogConfigFile(a *Args, _ *store, value string, _ Position) error {
	a.LogConfigFile = &value
	return nil
}

func readEnclave(a *Args, _ *store, value string, _ Position) error {
	a.Enclave = &value
	return nil
}

// flag takes a ROS argument without a value.
func (a *Args) flag(arg string) {
	switch arg {
	case "--enable-stdout-logs", "--disable-stdout-logs":
		a.DisableStdoutLogs = arg == "--disable-stdout-logs"
	case "--enable-rosout-logs", "--disable-rosout-logs":
		a.DisableRosoutLogs = arg == "--disable-rosout-logs"
	case "--enable-external-lib-logs", "--disable-external-lib-logs":
		a.DisableExternalLibLogs = arg == "--disable-external-lib-logs"
	default:
		a.UnknownROS = append(a.UnknownROS, arg)
	}
}

// Check refuses what rcl_parse_arguments takes and rclcpp::init does not: unknown ROS
// arguments, a bad enclave, and a log configuration file, which the logging of Humble
// (rcl_logging_spdlog) refuses as well.
func (a *Args) Check() error {
	var errs []error
	for _, arg := range a.UnknownROS {
		errs = append(errs, &SourceError{Source: Position{Argument: arg}, Err: ErrArguments,
			Problem: "unknown ROS argument (arguments of the program itself come before --ros-args or after --)"})
	}
	if a.Enclave != nil {
		if err := ValidateEnclave(*a.Enclave); err != nil {
			errs = append(errs, &SourceError{Source: Position{Argument: "--enclave " + *a.Enclave},
				Problem: err.Error(), Err: ErrArguments})
		}
	}
	if a.LogConfigFile != nil && *a.LogConfigFile != "" {
		errs = append(errs, &SourceError{Source: Position{Argument: "--log-config-file " + *a.LogConfigFile},
			Problem: "log configuration files are not supported, use --log-level", Err: ErrArguments})
	}
	return errors.Join(errs...)
}

// WithNode gives the arguments of one node that has arguments of its own (NodeOptions of
// rclcpp): its remap rules come first, its parameters last, so both win.
func (a *Args) WithNode(node *Args) *Args {
	both := *a
	both.Remaps = append(append([]Remap(nil), node.Remaps...), a.Remaps...)
	both.ParamsFiles = append(append([]string(nil), a.ParamsFiles...), node.ParamsFiles...)
	both.UnknownROS = append(append([]string(nil), a.UnknownROS...), node.UnknownROS...)
	both.Deprecated = append(append([]string(nil), a.Deprecated...), node.Deprecated...)
	both.stores = append(append([]*store(nil), a.stores...), node.stores...)
	return &both
}
