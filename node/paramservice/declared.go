package paramservice

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
)

// Bounds of what is set.
const (
	maxValue  = 1 << 20 // bytes of one value, as in a parameter file
	maxReason = 4096    // bytes
)

// declared is the Store of a params.Set.
type declared struct {
	set   *params.Set
	names []string // sorted
	allow func(name string, takes params.Takes) error
	told  int // nearest names looked up for the present request
}

func newDeclared(set *params.Set, allow func(string, params.Takes) error) *declared {
	names := set.Names()
	slices.Sort(names)
	return &declared{set: set, names: names, allow: allow}
}

// Names implements Store.
func (d *declared) Names() []string { return d.names }

// Lookup implements Store.
func (d *declared) Lookup(name string) (rcl.Value, rcl_interfaces.ParameterDescriptor, bool) {
	descriptor := d.set.Describe(name)
	if descriptor.Name == "" {
		return rcl.Value{}, rcl_interfaces.ParameterDescriptor{}, false
	}
	return d.set.Value(name), describe(descriptor), true
}

// Set implements Store.
func (d *declared) Set(list []Assignment) ([]Change, error) {
	overrides := make([]rcl.Override, len(list))
	changes := make([]Change, len(list))
	for i, a := range list {
		if err := d.check(a); err != nil {
			return nil, err
		}
		overrides[i] = rcl.Override{Name: a.Name, Value: a.Value, Source: rcl.Position{Argument: "set at run time"}}
		changes[i] = Change{Name: a.Name, Old: d.set.Value(a.Name)}
	}
	if err := d.set.Apply(overrides); err != nil {
		return nil, reason(err)
	}
	for i := range changes {
		changes[i].New = d.set.Value(changes[i].Name)
	}
	return changes, nil
}

// check holds an assignment to what needs no other parameter; the rest is Apply's.
func (d *declared) check(a Assignment) error {
	descriptor := d.set.Describe(a.Name)
	switch {
	case a.Name == "":
		return errors.New("the parameter's name is empty")
	case descriptor.Name == "":
		return d.undeclared(a.Name)
	case descriptor.ReadOnly:
		return fmt.Errorf("parameter '%s' cannot be set because it is read-only: give it at start, in a parameter file or with -p", a.Name)
	case a.Value.Type == rcl.NotSet:
		return fmt.Errorf("parameter '%s' cannot be deleted: it is declared as %s", a.Name, descriptor.Type)
	case a.Value.Type != descriptor.Type:
		hint := ""
		if descriptor.Type == rcl.Double && a.Value.Type == rcl.Integer {
			hint = fmt.Sprintf("; write %d.0", a.Value.Int)
		}
		return fmt.Errorf("wrong parameter type: parameter '%s' is of type %s, setting it to %s is not allowed%s",
			a.Name, descriptor.Type, a.Value.Type, hint)
	case size(a.Value) > maxValue:
		return fmt.Errorf("parameter '%s' got a value of more than %d bytes", a.Name, maxValue)
	}
	for _, s := range append(a.Value.Strs, a.Value.Str) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("parameter '%s' got a text that is not UTF-8 or has a NUL", a.Name)
		}
	}
	if d.allow != nil {
		return d.allow(a.Name, descriptor.Takes)
	}
	return nil
}

// maxNearest bounds how often one request has names compared, which takes milliseconds.
const maxNearest = 20

func (d *declared) undeclared(name string) error {
	text := fmt.Sprintf("parameter %s cannot be set because it was not declared", quoted(name))
	if d.told++; d.told <= maxNearest {
		text += "; the nearest is " + d.set.Nearest(name)
	}
	return errors.New(text)
}

func quoted(name string) string {
	if len(name) > 100 {
		return fmt.Sprintf("%q...", name[:100])
	}
	return fmt.Sprintf("%q", name)
}

// reason leaves out of params.Mistakes the places, all of which are the request.
func reason(err error) error {
	text := err.Error()
	var mistakes params.Mistakes
	if errors.As(err, &mistakes) {
		lines := make([]string, len(mistakes))
		for i, m := range mistakes {
			m.Source = rcl.Position{}
			lines[i] = strings.TrimPrefix(m.Error(), "default value: ")
		}
		text = strings.Join(lines, "; ")
	}
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "..."
	}
	return errors.New(text)
}
