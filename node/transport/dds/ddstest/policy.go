package ddstest

import (
	"encoding/xml"
	"os"
	"strings"
	"testing"
)

// policy is a policy file of SROS 2 (schema 0.2.0).
type policy struct {
	Enclaves []struct {
		Path     string `xml:"path,attr"`
		Profiles []struct {
			NS       string      `xml:"ns,attr"`
			Node     string      `xml:"node,attr"`
			Topics   []privilege `xml:"topics"`
			Services []privilege `xml:"services"`
			Actions  []privilege `xml:"actions"`
		} `xml:"profiles>profile"`
	} `xml:"enclaves>enclave"`
}

type privilege struct {
	Publish   string   `xml:"publish,attr"`
	Subscribe string   `xml:"subscribe,attr"`
	Request   string   `xml:"request,attr"`
	Reply     string   `xml:"reply,attr"`
	Call      string   `xml:"call,attr"`
	Execute   string   `xml:"execute,attr"`
	Topics    []string `xml:"topic"`
	Services  []string `xml:"service"`
	Actions   []string `xml:"action"`
}

// ReadPolicy reads what `ros2 security create_permission` would grant each enclave of a policy
// file that only allows.
func ReadPolicy(tb testing.TB, path string) map[string]Grant {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var p policy
	if err := xml.Unmarshal(data, &p); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	grants := map[string]Grant{}
	for _, e := range p.Enclaves {
		// What every ROS 2 node announces itself by.
		g := Grant{[]string{"ros_discovery_info"}, []string{"ros_discovery_info"}}
		for _, profile := range e.Profiles {
			full := func(name string) string {
				ns := strings.TrimSuffix(profile.NS, "/") + "/"
				if rest, ok := strings.CutPrefix(name, "~"); ok {
					return ns + profile.Node + rest
				} else if strings.HasPrefix(name, "/") {
					return name
				}
				return ns + name
			}
			for _, x := range profile.Topics {
				for _, name := range x.Topics {
					g.topic(full(name), x.Publish, x.Subscribe)
				}
			}
			for _, x := range profile.Services {
				for _, name := range x.Services {
					g.service(full(name), x.Reply, x.Request)
				}
			}
			for _, x := range profile.Actions {
				for _, name := range x.Actions {
					at := full(name) + "/_action/"
					for _, service := range []string{"send_goal", "get_result", "cancel_goal"} {
						g.service(at+service, x.Execute, x.Call)
					}
					g.topic(at+"feedback", x.Execute, x.Call)
					g.topic(at+"status", x.Execute, x.Call)
				}
			}
		}
		grants[e.Path] = g
	}
	return grants
}

const allow = "ALLOW"

func (g *Grant) topic(name, publish, subscribe string) {
	if publish == allow {
		g.Publish = append(g.Publish, "rt"+name)
	}
	if subscribe == allow {
		g.Subscribe = append(g.Subscribe, "rt"+name)
	}
}

func (g *Grant) service(name, reply, request string) {
	for _, side := range []struct{ allowed, publish, subscribe string }{
		{reply, "rr" + name + "Reply", "rq" + name + "Request"},
		{request, "rq" + name + "Request", "rr" + name + "Reply"},
	} {
		if side.allowed == allow {
			g.Publish = append(g.Publish, side.publish)
			g.Subscribe = append(g.Subscribe, side.subscribe)
		}
	}
}
