package ros2param

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// option is an argument that begins with a dash.
type option struct {
	names []string
	// values is how many arguments it takes; many takes one or more.
	values int
	read   func(a *arguments, values []string) error
}

const many = -1

// arguments are what was given to one command.
type arguments struct {
	help          bool
	spin          time.Duration // 0 for the default
	hidden        bool
	hideType      bool
	json          bool
	noWildcard    bool
	paramType     bool
	prefixes      []string
	filter        *regexp.Regexp
	outputDir     string
	deprecated    bool // --print
	positionals   []string
	escapedDashes bool // a positional is "--" itself, which Python takes for none at all
}

func set(p func(*arguments) *bool) func(*arguments, []string) error {
	return func(a *arguments, _ []string) error { *p(a) = true; return nil }
}

func ignore(*arguments, []string) error { return nil }

// common are the options of every command.
var common = []option{
	{[]string{"-h", "--help"}, 0, set(func(a *arguments) *bool { return &a.help })},
	{[]string{"--spin-time"}, 1, readSpinTime},
	{[]string{"-s", "--use-sim-time"}, 0, ignore},
	{[]string{"--no-daemon"}, 0, ignore},
	{[]string{"--include-hidden-nodes"}, 0, set(func(a *arguments) *bool { return &a.hidden })},
}

var asJSON = option{[]string{"--json"}, 0, set(func(a *arguments) *bool { return &a.json })}

func readSpinTime(a *arguments, values []string) error {
	s, err := strconv.ParseFloat(strings.TrimSpace(values[0]), 64)
	if err != nil || !(s >= 0 && s <= 1e6) {
		return fmt.Errorf("argument --spin-time: invalid value %q, expected seconds", values[0])
	}
	a.spin = max(time.Duration(s*float64(time.Second)), time.Nanosecond)
	return nil
}

func readFilter(a *arguments, values []string) (err error) {
	if a.filter, err = regexp.Compile("^(?:" + values[0] + ")"); err != nil {
		return fmt.Errorf("argument --filter: %w", err)
	}
	return nil
}

// positional is an argument without a dash.
type positional struct {
	name     string
	optional bool
	many     bool // one or more; the last
}

// parse sorts arguments as Python's argparse does: what begins with a dash is an option,
// unless it is a negative number, has a space or follows "--"; options may be shortened; a
// positional that takes several ends at an option.
func parse(args []string, options []option, positionals []positional) (*arguments, error) {
	a := &arguments{outputDir: "."}
	kinds, err := classify(args, options)
	if err != nil {
		return nil, err
	}
	var extra []string
	next := 0 // of positionals
	for i := 0; i < len(args); {
		switch k := kinds[i]; {
		case k.separator:
			i++
		case k.unknown:
			extra = append(extra, args[i])
			i++
		case k.option != nil:
			n, err := a.take(k, args, kinds, i)
			if err != nil {
				return nil, err
			}
			if a.help {
				return a, nil
			}
			i = n
		case next == len(positionals):
			extra = append(extra, args[i])
			i++
		default:
			more := positionals[next].many
			next++
			for first := true; i < len(args) && !kinds[i].isOption() && (first || more); i++ {
				if kinds[i].separator {
					continue
				}
				a.escapedDashes = a.escapedDashes || args[i] == "--"
				a.positionals = append(a.positionals, args[i])
				first = false
			}
		}
	}
	var missing []string
	for _, p := range positionals[next:] {
		if !p.optional {
			missing = append(missing, p.name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the following arguments are required: %s", strings.Join(missing, ", "))
	}
	if len(extra) > 0 {
		return nil, fmt.Errorf("unrecognized arguments: %s", strings.Join(extra, " "))
	}
	return a, nil
}

// kind is what an argument was taken for; the zero kind is a positional.
type kind struct {
	option    *option
	name      string // as given
	value     string // after "="
	hasValue  bool
	unknown   bool
	separator bool // the first "--"
}

func (k kind) isOption() bool { return k.option != nil || k.unknown }

var negativeNumber = regexp.MustCompile(`^-[0-9]+$|^-[0-9]*\.[0-9]+$`)

func classify(args []string, options []option) ([]kind, error) {
	kinds := make([]kind, len(args))
	for i, arg := range args {
		if arg == "--" {
			kinds[i].separator = true
			break // the rest is positional
		}
		if len(arg) < 2 || arg[0] != '-' {
			continue
		}
		name, value, hasValue := strings.Cut(arg, "=")
		found := lookup(name, options)
		switch {
		case len(found) == 1:
			for o, full := range found {
				kinds[i] = kind{option: o, name: full, value: value, hasValue: hasValue}
			}
		case len(found) > 1:
			var names []string
			for _, full := range found {
				names = append(names, full)
			}
			sort.Strings(names)
			return nil, fmt.Errorf("ambiguous option: %s could match %s", arg, strings.Join(names, ", "))
		case negativeNumber.MatchString(arg), strings.Contains(arg, " "):
		default:
			kinds[i].unknown = true
		}
	}
	return kinds, nil
}

// lookup finds the option of a name, or those whose long name it begins.
func lookup(name string, options []option) map[*option]string {
	found := map[*option]string{}
	for i := range options {
		for _, full := range options[i].names {
			if full == name {
				return map[*option]string{&options[i]: full}
			}
			if len(name) > 2 && strings.HasPrefix(name, "--") && strings.HasPrefix(full, name) {
				found[&options[i]] = full
			}
		}
	}
	return found
}

// take reads the option at i and gives the index of what follows it.
func (a *arguments) take(k kind, args []string, kinds []kind, i int) (int, error) {
	i++
	if k.hasValue {
		if k.option.values == 0 {
			return 0, fmt.Errorf("argument %s: ignored explicit argument %q", k.name, k.value)
		}
		return i, k.option.read(a, []string{k.value})
	}
	var values []string
	for i < len(args) && (k.option.values == many || len(values) < k.option.values) && kinds[i] == (kind{}) {
		values = append(values, args[i])
		i++
	}
	if k.option.values == many && len(values) == 0 || len(values) < k.option.values {
		return 0, fmt.Errorf("argument %s: expected an argument", k.name)
	}
	return i, k.option.read(a, values)
}
