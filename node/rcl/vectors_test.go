package rcl

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/node/rcl/rcltest"
)

func compareParams(overrides []Override, want map[string]vectorValue) error {
	got := map[string]Value{}
	for _, o := range overrides {
		got[o.Name] = o.Value
	}
	for name, v := range want {
		w, err := v.decode()
		if err != nil {
			return err
		}
		g, ok := got[name]
		if !ok {
			return fmt.Errorf("parameter %s is missing, want %s %s", name, w.Type, w)
		}
		if !g.Equal(w) {
			return fmt.Errorf("parameter %s: got %s %s, want %s %s", name, g.Type, g, w.Type, w)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("got %d parameters %v, want %d", len(got), got, len(want))
	}
	return nil
}

func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// startNode does what a process with one rclcpp node does with its arguments.
func startNode(args, nodeArgs []string, noGlobal bool, name, namespace string) (*Args, NodeName, []Override, error) {
	a, err := Parse(args)
	if err != nil {
		return nil, NodeName{}, nil, err
	}
	if err := a.Check(); err != nil {
		return nil, NodeName{}, nil, err
	}
	if noGlobal {
		a = &Args{}
	}
	if nodeArgs != nil {
		local, err := Parse(nodeArgs)
		if err != nil {
			return nil, NodeName{}, nil, err
		}
		a = a.WithNode(local)
		if err := a.Check(); err != nil {
			return nil, NodeName{}, nil, err
		}
	}
	node, err := a.Node(name, namespace)
	if err != nil {
		return nil, NodeName{}, nil, err
	}
	overrides, err := a.Overrides(node.FQN())
	return a, node, overrides, err
}

func TestVectorsParams(t *testing.T) {
	type result struct {
		Error   bool
		Message string
		FQN     string
		Params  map[string]vectorValue
	}
	for _, c := range rcltest.Cases[struct {
		ID              int
		Family          string
		Files           map[string]string
		Args            []string
		Node, Namespace string
		Result          result
	}](t, "params.json") {
		t.Run(fmt.Sprintf("%s/%d", c.Family, c.ID), func(t *testing.T) {
			writeFiles(t, c.Files)
			_, node, overrides, err := startNode(c.Args, nil, false, c.Node, c.Namespace)
			if (err != nil) != c.Result.Error {
				t.Fatalf("files %q, args %q: error %v, rcl: error %v %s", c.Files, c.Args, err, c.Result.Error, c.Result.Message)
			}
			if err != nil {
				checkError(t, err)
				return
			}
			if node.FQN() != c.Result.FQN {
				t.Errorf("node is %s, rcl: %s", node.FQN(), c.Result.FQN)
			}
			if err := compareParams(overrides, c.Result.Params); err != nil {
				t.Errorf("files %q, args %q: %v", c.Files, c.Args, err)
			}
		})
	}
}

// checkError holds every error to a sentinel and to one line.
func checkError(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrParameters) && !errors.Is(err, ErrArguments) && !errors.Is(err, ErrName) {
		t.Errorf("%v wraps no sentinel", err)
	}
	if strings.TrimSpace(err.Error()) == "" {
		t.Error("empty message")
	}
}

type parseVector struct {
	Error          bool
	Message        string
	Unparsed       []string
	UnknownROSArgs []string `json:"unknown_ros_args"`
	RemapRules     int      `json:"remap_rules"`
	ParamsFiles    []string `json:"params_files"`
	LogLevel       int      `json:"log_level"`
	LoggerLevels   [][2]any `json:"logger_levels"`
	LogConfigFile  *string  `json:"log_config_file"`
	Enclave        *string
	StdoutLogs     bool `json:"stdout_logs"`
	RosoutLogs     bool `json:"rosout_logs"`
	ExternalLogs   bool `json:"external_lib_logs"`
	Overrides      []struct {
		Node   string
		Params [][2]json.RawMessage
	}
}

func compareParse(a *Args, want parseVector) error {
	equalStrings := func(a, b []string) bool { return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b)) }
	var loggers [][2]any
	for _, l := range a.LoggerLevels {
		loggers = append(loggers, [2]any{l.Logger, float64(l.Level)})
	}
	switch {
	case !equalStrings(a.Unparsed, want.Unparsed):
		return fmt.Errorf("unparsed %q", a.Unparsed)
	case !equalStrings(a.UnknownROS, want.UnknownROSArgs):
		return fmt.Errorf("unknown %q", a.UnknownROS)
	case len(a.Remaps) != want.RemapRules:
		return fmt.Errorf("%d remap rules", len(a.Remaps))
	case !equalStrings(a.ParamsFiles, want.ParamsFiles):
		return fmt.Errorf("params files %q", a.ParamsFiles)
	case int(a.LogLevel) != want.LogLevel:
		return fmt.Errorf("log level %d", a.LogLevel)
	case len(loggers)+len(want.LoggerLevels) > 0 && !reflect.DeepEqual(loggers, want.LoggerLevels):
		return fmt.Errorf("logger levels %v", loggers)
	case !reflect.DeepEqual(a.LogConfigFile, want.LogConfigFile):
		return fmt.Errorf("log config file %v", a.LogConfigFile)
	case !reflect.DeepEqual(a.Enclave, want.Enclave):
		return fmt.Errorf("enclave %v", a.Enclave)
	case a.DisableStdoutLogs == want.StdoutLogs, a.DisableRosoutLogs == want.RosoutLogs, a.DisableExternalLibLogs == want.ExternalLogs:
		return fmt.Errorf("log switches %v %v %v", a.DisableStdoutLogs, a.DisableRosoutLogs, a.DisableExternalLibLogs)
	}
	nodes := a.stores[0].nodes
	if len(nodes) != len(want.Overrides) {
		return fmt.Errorf("%d node keys", len(nodes))
	}
	for i, n := range nodes {
		w := want.Overrides[i]
		if n.key != w.Node || len(n.entries) != len(w.Params) {
			return fmt.Errorf("node key %d is %q with %d parameters", i, n.key, len(n.entries))
		}
		for j, e := range n.entries {
			var name string
			var v vectorValue
			if err := errors.Join(json.Unmarshal(w.Params[j][0], &name), json.Unmarshal(w.Params[j][1], &v)); err != nil {
				return err
			}
			got, value := e.winner().Value, Value{}
			if !v.Error {
				var err error
				if value, err = v.decode(); err != nil {
					return err
				}
			}
			if e.name != name || !got.Equal(value) {
				return fmt.Errorf("parameter %d of %s is %s %s %s, rcl: %s %s %s", j, n.key, e.name, got.Type, got, name, value.Type, value)
			}
		}
	}
	return nil
}

func TestVectorsArgs(t *testing.T) {
	type resultVector struct {
		Error      bool
		Message    string
		NonROSArgs []string `json:"non_ros_args"`
		FQN        string
		NodeName   string `json:"node_name"`
		Namespace  string
		Logger     string
		Enclave    string
		Params     map[string]vectorValue
		Topics     map[string]json.RawMessage
		Services   map[string]json.RawMessage
	}
	for _, c := range rcltest.Cases[struct {
		ID              int
		Family          string
		Args            []string
		Node, Namespace string
		Files           map[string]string
		NodeArguments   []string `json:"node_arguments"`
		NoGlobal        bool     `json:"no_global_arguments"`
		Parse           parseVector
		Result          resultVector
	}](t, "args.json") {
		t.Run(fmt.Sprintf("%s/%d", c.Family, c.ID), func(t *testing.T) {
			writeFiles(t, c.Files)
			a, err := Parse(c.Args)
			if (err != nil) != c.Parse.Error {
				t.Fatalf("parse %q: error %v, rcl: error %v %s", c.Args, err, c.Parse.Error, c.Parse.Message)
			}
			if err != nil {
				checkError(t, err)
			} else if err := compareParse(a, c.Parse); err != nil {
				t.Errorf("parse %q: %v, rcl: %+v", c.Args, err, c.Parse)
			}
			r := c.Result
			a, node, overrides, err := startNode(c.Args, c.NodeArguments, c.NoGlobal, c.Node, c.Namespace)
			if (err != nil) != r.Error {
				t.Fatalf("%q: error %v, rcl: error %v %s", c.Args, err, r.Error, r.Message)
			}
			if err != nil {
				checkError(t, err)
				return
			}
			if node.FQN() != r.FQN || node.Name != r.NodeName || node.Namespace != r.Namespace || node.Logger() != r.Logger {
				t.Errorf("%q: node %+v %s %s, rcl: %s %s %s %s", c.Args, node, node.FQN(), node.Logger(), r.FQN, r.NodeName, r.Namespace, r.Logger)
			}
			if !c.NoGlobal {
				if !reflect.DeepEqual(append([]string{}, a.Unparsed...), append([]string{}, r.NonROSArgs...)) {
					t.Errorf("%q: left %q, rcl: %q", c.Args, a.Unparsed, r.NonROSArgs)
				}
				enclave := "/"
				if a.Enclave != nil {
					enclave = *a.Enclave
				}
				if enclave != r.Enclave {
					t.Errorf("%q: enclave %q, rcl: %q", c.Args, enclave, r.Enclave)
				}
			}
			if err := compareParams(overrides, r.Params); err != nil {
				t.Errorf("%q: %v", c.Args, err)
			}
			for name, want := range r.Topics {
				compareName(t, name, want, func() (string, error) { return a.ResolveTopic(node, name) })
			}
			for name, want := range r.Services {
				compareName(t, name, want, func() (string, error) { return a.ResolveService(node, name) })
			}
		})
	}
}

// compareName compares a resolved name with a string, or an error object, of the vectors.
func compareName(t *testing.T, name string, want json.RawMessage, resolve func() (string, error)) {
	t.Helper()
	if want == nil {
		return
	}
	got, err := resolve()
	var text string
	if json.Unmarshal(want, &text) != nil {
		if err == nil {
			t.Errorf("%q: got %q, rcl: %s", name, got, want)
		} else if !errors.Is(err, ErrName) {
			t.Errorf("%q: %v does not wrap ErrName", name, err)
		}
		return
	}
	if err != nil || got != text {
		t.Errorf("%q: got %q, %v, rcl: %q", name, got, err, text)
	}
}

type validity struct {
	Valid       bool
	Code, Index int
}

func (v *validity) check(t *testing.T, what string, err error) {
	t.Helper()
	if v == nil {
		return
	}
	if v.Valid != (err == nil) {
		t.Errorf("%s: %v, rcl: %+v", what, err, *v)
		return
	}
	var name *NameError
	if err != nil && (!errors.As(err, &name) || name.Code != v.Code || name.Index != v.Index) {
		t.Errorf("%s: %v (code and index %+v), rcl: %+v", what, err, name, *v)
	}
}

func TestVectorsNames(t *testing.T) {
	for _, c := range rcltest.Cases[struct {
		ID              int
		Kind, Name      string
		Node, Namespace string
		Topic           *validity       `json:"rcl_validate_topic_name"`
		Expanded        json.RawMessage `json:"expanded"`
		Full            *validity       `json:"rmw_validate_full_topic_name"`
		ResolvedTopic   json.RawMessage `json:"resolved_topic"`
		ResolvedService json.RawMessage `json:"resolved_service"`
		NodeError       string          `json:"node_error"`
		ValidNode       *validity       `json:"rmw_validate_node_name"`
		ValidNamespace  *validity       `json:"rmw_validate_namespace"`
		NodeInit        json.RawMessage `json:"node_init"`
	}](t, "names.json") {
		t.Run(fmt.Sprintf("%s/%d", c.Kind, c.ID), func(t *testing.T) {
			a := &Args{}
			switch c.Kind {
			case "topic":
				c.Topic.check(t, c.Name, ValidateTopicName(c.Name))
				as := NodeName{Name: c.Node, Namespace: c.Namespace}
				compareName(t, c.Name, c.Expanded, func() (string, error) { return ExpandTopicName(c.Name, as) })
				if full, err := ExpandTopicName(c.Name, as); err == nil {
					c.Full.check(t, full, ValidateFullTopicName(full))
				}
				node, err := a.Node(c.Node, c.Namespace)
				if (err != nil) != (c.NodeError != "") {
					t.Fatalf("node: %v, rcl: %q", err, c.NodeError)
				}
				if err == nil {
					compareName(t, c.Name, c.ResolvedTopic, func() (string, error) { return a.ResolveTopic(node, c.Name) })
					compareName(t, c.Name, c.ResolvedService, func() (string, error) { return a.ResolveService(node, c.Name) })
				}
			case "full_topic":
				c.Full.check(t, c.Name, ValidateFullTopicName(c.Name))
			case "node":
				c.ValidNode.check(t, c.Name, ValidateNodeName(c.Name))
				compareName(t, c.Name, c.NodeInit, func() (string, error) {
					node, err := a.Node(c.Name, c.Namespace)
					return node.FQN(), err
				})
			case "namespace":
				c.ValidNamespace.check(t, c.Name, ValidateNamespace(c.Name))
				compareName(t, c.Name, c.NodeInit, func() (string, error) {
					node, err := a.Node(c.Node, c.Name)
					return node.FQN(), err
				})
			default:
				t.Errorf("unknown kind %q", c.Kind)
			}
		})
	}
}
