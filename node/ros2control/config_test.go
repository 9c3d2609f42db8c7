package ros2control

import (
	"strings"
	"testing"

	"guidedpolicysearch/node/params"
)

func TestConfig(t *testing.T) {
	cfg := struct {
		ROS2Control Config `param:"ros2_control"`
	}{DefaultConfig()}
	if _, err := params.Declare(&cfg); err != nil {
		t.Error(err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"controller_manager: expected a name": func(c *Config) { c.ControllerManager = "" },
		"controller_manager: expected":        func(c *Config) { c.ControllerManager = "1 2" },
		"controller: expected the name":       func(c *Config) { c.Controller = "/left/effort_controller" },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	both := Config{Controller: "a b"}
	if err := both.Validate(); strings.Count(err.Error(), "expected") < 2 {
		t.Errorf("error %v, want both mistakes", err)
	}
}
