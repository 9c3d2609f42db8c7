package realtime_test

import (
	"errors"
	"strings"
	"testing"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/realtime"
)

func TestConfigErrors(t *testing.T) {
	if err := realtime.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		change func(*realtime.Config)
		want   string
	}{
		{func(c *realtime.Config) { c.Priority = 100 }, "priority is 100, expected 1 to 99"},
		{func(c *realtime.Config) { c.Priority = -1 }, "priority is -1"},
		{func(c *realtime.Config) { c.ProcessPriority = 99 }, "process_priority is 99"},
		{func(c *realtime.Config) { c.ProcessPriority = -1 }, "process_priority is -1"},
		{func(c *realtime.Config) { c.ProcessPriority = 80 }, "expected less than the priority of the control loop, 80"},
		{func(c *realtime.Config) { c.CPU = -2 }, "cpu is -2"},
		{func(c *realtime.Config) { c.CPU = 1024 }, "cpu is 1024"},
	} {
		cfg := realtime.DefaultConfig()
		c.change(&cfg)
		if err := cfg.Validate(); !errors.Is(err, realtime.ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", cfg, err, c.want)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: Adopt does not panic", cfg)
				}
			}()
			realtime.Adopt(cfg)
		}()
	}
}

func TestConfigBecomesParameters(t *testing.T) {
	cfg := realtime.DefaultConfig()
	if _, err := params.Declare(&cfg); err != nil {
		t.Error(err)
	}
}
