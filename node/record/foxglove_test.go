package record_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/msgs"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/record"
)

// readersFolder is where scripts/install_bag_readers.sh puts Foxglove's readers.
const readersFolder = "../../.build/foxglove"

// TestFoxgloveReads lets Foxglove's own readers decode every message of recorded trials by the
// schemas in the files, and compares every field with what was written.
func TestFoxgloveReads(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("needs Foxglove's readers of bags, and node with npm for them: %v", err)
	}
	if _, err := os.Stat(filepath.Join(readersFolder, "node_modules/@mcap/core")); err != nil {
		t.Skipf("needs Foxglove's readers of bags: run scripts/install_bag_readers.sh (%v)", err)
	}
	dir, want := bagOf(t)
	// In the order in which they were recorded: the second trial's first recording became .1.mcap.
	var files []string
	for _, name := range []string{"iteration_001/condition_0_sample_0", "iteration_001/condition_0_sample_1.1", "iteration_001/condition_0_sample_1", "iteration_002/condition_1_sample_0"} {
		files = append(files, filepath.Join(dir, record.RolloutsDir, name+".mcap"))
	}
	var out, complaints bytes.Buffer
	c := exec.Command(node, append([]string{"testdata/foxglove/read.js", readersFolder}, files...)...)
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, complaints.Bytes())
	}
	types := map[string]func() msgs.Message{
		"sensor_msgs/msg/JointState":            func() msgs.Message { return new(sensor_msgs.JointState) },
		"sensor_msgs/msg/Image":                 func() msgs.Message { return new(sensor_msgs.Image) },
		"std_msgs/msg/Float64MultiArray":        func() msgs.Message { return new(std_msgs.Float64MultiArray) },
		"guided_policy_search_msgs/msg/Rollout": func() msgs.Message { return new(gps.Rollout) },
	}
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 1<<24)
	n := 0
	for ; lines.Scan(); n++ {
		var got struct {
			File, Topic, Type string
			Message           any
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if n == len(want) {
			t.Fatalf("more than %d messages", n)
		}
		if got.Topic != want[n].topic || types[got.Type] == nil {
			t.Fatalf("message %d is of %s (%s), want %s", n, got.Topic, got.Type, want[n].topic)
		}
		m := types[got.Type]()
		if err := m.UnmarshalCDR(want[n].payload); err != nil {
			t.Fatal(err)
		}
		compareFields(t, fmt.Sprintf("message %d of %s", n, got.Topic), got.Message, reflect.ValueOf(m).Elem())
	}
	if n != len(want) {
		t.Errorf("%d messages, %d were written", n, len(want))
	}
}

// compareFields compares what was read with what was written; names are compared without their
// underscores and capitals.
func compareFields(t *testing.T, where string, got any, want reflect.Value) {
	t.Helper()
	switch want.Kind() {
	case reflect.Struct:
		fields, ok := got.(map[string]any)
		if !ok || len(fields) != want.NumField() {
			t.Errorf("%s: %v, want the fields of %v", where, got, want.Type())
			return
		}
		read := map[string]any{}
		for name, v := range fields {
			if name == "nsec" { // its name for a time's nanosec
				name = "nanosec"
			}
			read[strings.ReplaceAll(name, "_", "")] = v
		}
		for i := range want.NumField() {
			name := strings.ToLower(want.Type().Field(i).Name)
			v, ok := read[name]
			if !ok {
				t.Errorf("%s: there is no %s", where, name)
				continue
			}
			compareFields(t, where+"."+name, v, want.Field(i))
		}
	case reflect.Slice, reflect.Array:
		list, ok := got.([]any)
		if !ok || len(list) != want.Len() {
			t.Errorf("%s: %v, want %d elements", where, got, want.Len())
			return
		}
		for i, v := range list {
			compareFields(t, fmt.Sprintf("%s[%d]", where, i), v, want.Index(i))
		}
	default:
		if a, b := fmt.Sprint(got), fmt.Sprint(scalar(want)); a != b {
			t.Errorf("%s: %s, want %s", where, a, b)
		}
	}
}

// scalar returns a value as JSON brings it: numbers as float64, and as text what is none there.
func scalar(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case v.Kind() == reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return float64(v.Uint())
	case v.CanInt():
		return float64(v.Int())
	case v.CanFloat() && math.IsInf(v.Float(), 1):
		return "Infinity"
	}
	return v.Interface()
}
