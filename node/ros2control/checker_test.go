package ros2control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

const commands = "/effort_controller/commands"

// TestCheck finds the controller of the topic with every version of ros2_control.
func TestCheck(t *testing.T) {
	for _, l := range layouts {
		open := inProcess(t)
		good := effort("effort_controller", "a", "b")
		good.UpdateRate = 500
		startManager(t, open, l, cm.ControllerState{Name: "joint_state_broadcaster", State: active, Type: "a/B"}, good)
		gps := open("gps")
		r, err := checker(t, gps, commands, nil).Check(context.Background())
		if err != nil {
			t.Errorf("since %s: %v", l.since, err)
			continue
		}
		if g, err := gps.Graph(); err != nil || slices.ContainsFunc(g.Services, func(s transport.GraphService) bool { return s.Client }) {
			t.Errorf("since %s: a client is left: %+v, %v", l.since, g.Services, err)
		}
		if r.Manager != "/controller_manager" || r.Controller != "effort_controller" || r.Type != trusted[0] || r.Activity != l.rate || (r.UpdateRate == 500) != l.rate || r.Warning != "" || r.Skipped {
			t.Errorf("since %s: %+v", l.since, r)
		}
		if text := r.String(); !strings.Contains(text, `controller "effort_controller" (effort_controllers/JointGroupEffortController) of /controller_manager is active`) || strings.Contains(text, "500 Hz") != l.rate {
			t.Error(text)
		}
	}
}

// TestCheckFinds tells which controller is checked: the one that is named, that listens, or
// that the topic is named after.
func TestCheckFinds(t *testing.T) {
	custom := effort("custom", "a", "b")
	custom.Type = "my/Controller"
	for name, c := range map[string]struct {
		topic     string
		listeners []string // names of nodes; of publishers behind an exclamation mark
		set       string   // ros2_control.controller
		want      string   // controller, or part of the error, which has a space
	}{
		"by topic":                {commands, nil, "", "effort_controller"},
		"by listener":             {"/arm/torque", []string{"custom"}, "", "custom"},
		"by name":                 {"/arm/torque", []string{"custom"}, "effort_controller", "effort_controller"},
		"listener before topic":   {commands, []string{"custom", "rqt"}, "", "custom"},
		"topic decides":           {commands, []string{"custom", "effort_controller"}, "", "effort_controller"},
		"twice":                   {"/arm/torque", []string{"custom", "custom"}, "", "custom"},
		"publishers do not count": {"/arm/torque", []string{"custom", "!effort_controller"}, "", "custom"},
		"both but the topic's":    {commands, []string{"custom", "third"}, "", `["custom" "third"] of /controller_manager all listen`},
		"undecided":               {"/arm/torque", []string{"custom", "effort_controller"}, "", `["custom" "effort_controller"] of /controller_manager all listen on /arm/torque`},
		"nobody":                  {"/arm/torque", []string{"rqt"}, "", "no controller of /controller_manager is known to listen on /arm/torque"},
		"root":                    {"/commands", nil, "", "no controller of /controller_manager is known"},
		"not loaded":              {"/left_controller/commands", nil, "", `has no controller "left_controller" (loaded: "custom" active, "effort_controller" active, "third" active)`},
	} {
		open := inProcess(t)
		startManager(t, open, layouts[0], custom, effort("effort_controller", "a", "b"), effort("third", "c"))
		for _, l := range c.listeners {
			if name, publishes := strings.CutPrefix(l, "!"); publishes {
				publish(t, open(name), c.topic, Float64MultiArray)
			} else {
				listen(t, open(name), c.topic, Float64MultiArray)
			}
		}
		r, err := checker(t, open("gps"), c.topic, func(cfg *Config) { cfg.Controller = c.set }).Check(context.Background())
		isError := strings.Contains(c.want, " ")
		switch {
		case err == nil && (isError || r.Controller != c.want):
			t.Errorf("%s: %+v, want %s", name, r, c.want)
		case err != nil && (!isError || !errors.Is(err, ErrController) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", name, err, c.want)
		case err == nil && (r.Warning != "") != (c.want == "custom"):
			t.Errorf("%s: warning %q", name, r.Warning)
		}
	}
}

// TestCheckRefuses is about what is wrong with what is there.
func TestCheckRefuses(t *testing.T) {
	open := inProcess(t)
	m := startManager(t, open, layouts[0], effort("effort_controller", "b", "a"))
	gps := open("gps")
	listen(t, open("other"), "/other/commands", LBRTorqueCommand)
	publish(t, open("rival"), commands, LBRTorqueCommand)
	if _, err := checker(t, gps, commands, nil).Check(context.Background()); !errors.Is(err, ErrController) || !strings.Contains(err.Error(), "another order") {
		t.Errorf("swapped joints: %v", err)
	}
	if r, err := checker(t, gps, commands, func(c *Config) { c.Check = Never }).Check(context.Background()); err != nil || !r.Skipped || !strings.Contains(r.String(), "never") {
		t.Errorf("off: %+v, %v", r, err)
	}
	listen(t, open("effort_controller"), commands, LBRTorqueCommand)
	if _, err := checker(t, gps, commands, nil).Check(context.Background()); !errors.Is(err, ErrController) || !strings.Contains(err.Error(), "listened to for lbr_fri_idl/msg/LBRTorqueCommand, the node publishes std_msgs/msg/Float64MultiArray") {
		t.Errorf("another type: %v", err)
	}
	listen(t, open("logger"), commands, Float64MultiArray)
	m.layout = layout{exported: false, rate: true} // of no version
	m.set(effort("effort_controller", "a", "b"), cm.ControllerState{Name: "x", State: "y", Type: "zzz"})
	if _, err := checker(t, gps, commands, nil).Check(context.Background()); !errors.Is(err, ErrLayout) || !strings.Contains(err.Error(), "/controller_manager/list_controllers") {
		t.Errorf("unknown layout: %v", err)
	}
}

// TestNoManager is a robot without ros2_control.
func TestNoManager(t *testing.T) {
	open := inProcess(t)
	gps, other := open("gps"), open("other")
	trigger := typeOf(new(std_srvs.Trigger))
	if _, err := other.Service("/gps/start", trigger, transport.ServiceQoS(), func([]byte, transport.Reply) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Client("/controller_manager/list_controllers", typeOf(new(cm.ListControllers)), transport.ServiceQoS()); err != nil {
		t.Fatal(err)
	}
	r, err := checker(t, gps, commands, nil).Check(context.Background())
	if err != nil || r.Manager != "" || r.Skipped || !strings.Contains(r.String(), "nobody offers /controller_manager/list_controllers") {
		t.Errorf("auto: %+v, %v", r, err)
	}
	w, err := checker(t, gps, commands, nil).Watch(r, func(string, string) { t.Error("lost") })
	if err != nil || w.State() != "" {
		t.Errorf("watch: %v, %v", w, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err = checker(t, gps, commands, func(c *Config) { c.Check = Required }).Check(context.Background()); !errors.Is(err, ErrManager) || !strings.Contains(err.Error(), "ros2_control.check") {
		t.Errorf("required: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = checker(t, gps, commands, nil).Check(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// TestManagerComesLate finds one that is discovered while a check that needs it waits.
func TestManagerComesLate(t *testing.T) {
	open := inProcess(t)
	gps := open("gps")
	c := checker(t, gps, commands, func(c *Config) { c.Check = Required })
	type result struct {
		report Report
		err    error
	}
	done := make(chan result)
	go func() {
		r, err := c.Check(context.Background())
		done <- result{r, err}
	}()
	time.Sleep(autoPatience + 3*lookEvery)
	startManager(t, open, layouts[2], effort("effort_controller", "a", "b"))
	if got := <-done; got.err != nil || got.report.Manager == "" {
		t.Errorf("%+v", got)
	}
}

// TestManagerHangs ends a check whose manager does not answer.
func TestManagerHangs(t *testing.T) {
	open := inProcess(t)
	n := open("controller_manager")
	if _, err := n.Service("/controller_manager/list_controllers", typeOf(new(cm.ListControllers)), transport.ServiceQoS(), func([]byte, transport.Reply) {}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := checker(t, open("gps"), commands, nil).Check(ctx); !errors.Is(err, ErrManager) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// named is a node that cannot resolve names.
type named struct{ rosNode }

func (named) Resolve(string) (string, error) { return "", rcl.ErrName }

func TestNewErrors(t *testing.T) {
	n := rosNode{inProcess(t)("gps")}
	if _, err := New(n, Config{}, commands, Float64MultiArray, []string{"a"}); err == nil || !strings.Contains(err.Error(), "controller_manager") {
		t.Errorf("no name: %v", err)
	}
	if _, err := New(n, DefaultConfig(), commands, LBRTorqueCommand, []string{"a"}); !errors.Is(err, ErrCommands) {
		t.Errorf("commands: %v", err)
	}
	if _, err := New(named{n}, DefaultConfig(), commands, Float64MultiArray, []string{"a"}); !errors.Is(err, rcl.ErrName) {
		t.Errorf("name: %v", err)
	}
}

// TestOverDDS checks and watches over the network.
func TestOverDDS(t *testing.T) {
	domain := ddstest.Domain(t)
	open := func(name string) transport.Node { return ddstest.Open(t, domain, name, nil) }
	for _, l := range []layout{layouts[0], layouts[2]} {
		t.Run(l.since, func(t *testing.T) {
			// Each manager is gone with its subtest.
			open := func(name string) transport.Node {
				n := open(name)
				t.Cleanup(func() { n.Close() })
				return n
			}
			m := startManager(t, open, l, effort("effort_controller", "a", "b"))
			gps := open("gps")
			listen(t, m.node, commands, Float64MultiArray)
			c := checker(t, gps, commands, func(c *Config) { c.Check = Required })
			r, err := c.Check(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			watchLoss(t, c, r, "inactive", func() {
				off := effort("effort_controller", "a", "b")
				off.State, off.ClaimedInterfaces = "inactive", nil
				m.set(off)
			})
		})
	}
}
