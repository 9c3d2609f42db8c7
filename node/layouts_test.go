package node

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"regexp"
	"strings"
	"testing"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

// shown returns the message of each topic that a layout may show.
func shown() map[string]msgs.Message {
	topics := map[string]msgs.Message{"/" + jointStatesTopic: new(sensor_msgs.JointState), "/" + commandsTopic: new(std_msgs.Float64MultiArray), "/diagnostics": new(diagnostic_msgs.DiagnosticArray),
		"/" + DefaultName + strings.TrimPrefix(rolloutTopic, "~"): new(guided_policy_search_msgs.Rollout)}
	for _, r := range reported() {
		topics["/"+DefaultName+strings.TrimPrefix(r.name, "~")] = r.message
	}
	return topics
}

// hasField tells whether a message has the field at a path such as "timing.latency.max" or "position[2]",
// going by its definition, and those of the messages in it.
func hasField(m msgs.Message, path string) bool {
	definitions := map[string]string{}
	for i, part := range strings.Split(m.Definition(), strings.Repeat("=", 80)+"\nMSG: ") {
		if i == 0 {
			definitions[""] = part
			continue
		}
		name, body, _ := strings.Cut(part, "\n")
		definitions[strings.TrimSpace(name)] = body
	}
	definition := definitions[""]
	for _, field := range strings.Split(path, ".") {
		name, _, indexed := strings.Cut(field, "[")
		found := regexp.MustCompile(`(?m)^([a-zA-Z0-9_/]+)(\[[^\]]*\])? +` + regexp.QuoteMeta(name) + `(\s|$)`).FindStringSubmatch(definition)
		if found == nil || indexed != (found[2] != "") {
			return false
		}
		definition = ""
		for full, body := range definitions {
			if full == found[1] || strings.HasSuffix(full, "/"+found[1]) {
				definition = body
			}
		}
	}
	return true
}

// TestLayoutPlotJuggler looks up each curve of the layout among the fields of its topic.
func TestLayoutPlotJuggler(t *testing.T) {
	data, err := os.ReadFile("../launch/layouts/plotjuggler.xml")
	if err != nil {
		t.Fatal(err)
	}
	var layout struct {
		Curves []struct {
			Name string `xml:"name,attr"`
		} `xml:"tabbed_widget>Tab>Container>DockSplitter>DockArea>plot>curve"`
	}
	if err := xml.Unmarshal(data, &layout); err != nil {
		t.Fatal(err)
	}
	if len(layout.Curves) < 20 {
		t.Errorf("%d curves", len(layout.Curves))
	}
	topics := shown()
	for _, c := range layout.Curves {
		known := false
		for topic, m := range topics {
			path, below := strings.CutPrefix(c.Name, topic+"/")
			if topic == "/"+jointStatesTopic {
				// It shows joint states by the joints' names.
				path = regexp.MustCompile(`^joint[1-7]/(\w+)$`).ReplaceAllString(path, "$1[0]")
			}
			known = known || below && hasField(m, strings.ReplaceAll(path, "/", "."))
		}
		if !known {
			t.Errorf("no topic has %s", c.Name)
		}
	}
}

// TestLayoutFoxglove looks up each path of the layout among the fields of its topic, and each panel.
func TestLayoutFoxglove(t *testing.T) {
	data, err := os.ReadFile("../launch/layouts/foxglove.json")
	if err != nil {
		t.Fatal(err)
	}
	type path struct{ Value string }
	var layout struct {
		ConfigByID map[string]struct {
			Paths         []path
			TopicPath     string
			TopicToRender string
		} `json:"configById"`
		Layout json.RawMessage
	}
	if err := json.Unmarshal(data, &layout); err != nil {
		t.Fatal(err)
	}
	topics, count := shown(), 0
	for panel, c := range layout.ConfigByID {
		if strings.Count(string(layout.Layout), `"`+panel+`"`) != 1 {
			t.Errorf("panel %s is not in the layout once", panel)
		}
		for _, whole := range []string{c.TopicPath, c.TopicToRender} {
			if whole != "" && topics[whole] == nil {
				t.Errorf("%s: no topic %s", panel, whole)
			}
		}
		for _, p := range c.Paths {
			count++
			topic, field, _ := strings.Cut(p.Value, ".")
			if m := topics[topic]; m == nil || !hasField(m, field) {
				t.Errorf("%s: no topic has %s", panel, p.Value)
			}
		}
	}
	if count < 20 {
		t.Errorf("%d paths", count)
	}
}

// TestHasField shows that fields that are not there are not found.
func TestHasField(t *testing.T) {
	for path, want := range map[string]bool{"timing.latency.max": true, "timing.latency.least": false, "states[3]": true, "states": false, "steps[0]": false, "header.stamp.sec": true} {
		if got := hasField(new(guided_policy_search_msgs.Rollout), path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
