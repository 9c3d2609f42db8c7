package transport_test

import (
	"errors"
	"strings"
	"testing"

	"guidedpolicysearch/node/transport"
)

func TestCheckService(t *testing.T) {
	for _, c := range []struct {
		name, typ string
		depth     int
		err       string // what the error names, if one is wanted
	}{
		{"/gps/start", "std_srvs/srv/Trigger", 10, ""},
		{"/gps/train/_action/send_goal", "guided_policy_search_msgs/action/Train_SendGoal", 10, ""},
		{"gps/start", "std_srvs/srv/Trigger", 10, `service "gps/start"`},
		{"~/start", "std_srvs/srv/Trigger", 10, `service "~/start"`},
		{"/" + strings.Repeat("x", 240), "std_srvs/srv/Trigger", 10, "241 bytes"},
		{"/gps/start", "std_msgs/msg/String", 10, "package/srv/Type"},
		{"/gps/start", "std_srvs/Trigger", 10, `type "std_srvs/Trigger"`},
		{"/gps/start", "std_srvs/srv/Trigger", 0, "depth 0"},
	} {
		q := transport.ServiceQoS()
		q.Depth = c.depth
		err := transport.CheckService(c.name, transport.Type{Name: c.typ}, q)
		if c.err == "" {
			if err != nil {
				t.Errorf("%s of type %s: %v", c.name, c.typ, err)
			}
		} else if !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.20s of type %s: %v, want ErrInvalid that names %s", c.name, c.typ, err, c.err)
		}
	}
}
