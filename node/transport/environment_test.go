package transport_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

func TestFromEnvironment(t *testing.T) {
	type env map[string]string
	for _, c := range []struct {
		env  env
		want transport.Options
		err  string // what the error names, if one is wanted
	}{
		{env{}, transport.Options{Domain: 3}, ""},
		{env{"ROS_DOMAIN_ID": "0"}, transport.Options{}, ""},
		{env{"ROS_DOMAIN_ID": "232"}, transport.Options{Domain: 232}, ""},
		{env{"ROS_DOMAIN_ID": "233"}, transport.Options{}, "ROS_DOMAIN_ID"},
		{env{"ROS_DOMAIN_ID": "-1"}, transport.Options{}, "ROS_DOMAIN_ID"},
		{env{"ROS_DOMAIN_ID": "7 "}, transport.Options{}, "ROS_DOMAIN_ID"},
		{env{"ROS_DOMAIN_ID": "0x7"}, transport.Options{}, "ROS_DOMAIN_ID"},
		{env{"ROS_DOMAIN_ID": "99999999999999999999"}, transport.Options{}, "ROS_DOMAIN_ID"},
		{env{"ROS_LOCALHOST_ONLY": "1"}, transport.Options{Domain: 3, Range: transport.Localhost}, ""},
		{env{"ROS_LOCALHOST_ONLY": "0"}, transport.Options{Domain: 3}, ""},
		{env{"ROS_LOCALHOST_ONLY": "true"}, transport.Options{}, "ROS_LOCALHOST_ONLY"},
		{env{"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, transport.Options{Domain: 3, Range: transport.Localhost}, ""},
		{env{"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}, transport.Options{Domain: 3, Range: transport.Off}, ""},
		{env{"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, transport.Options{Domain: 3}, ""},
		{env{"ROS_AUTOMATIC_DISCOVERY_RANGE": "subnet"}, transport.Options{}, "ROS_AUTOMATIC_DISCOVERY_RANGE"},
		{env{"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_LOCALHOST_ONLY": "1"}, transport.Options{Domain: 3, Range: transport.Localhost}, ""},
		{env{"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF", "ROS_LOCALHOST_ONLY": "1"}, transport.Options{Domain: 3, Range: transport.Off}, ""},
		{env{"ROS_STATIC_PEERS": "10.0.0.2; robot.local;"}, transport.Options{Domain: 3, Peers: []string{"10.0.0.2", "robot.local"}}, ""},
		{env{"ROS_STATIC_PEERS": "10.0.0.2", "ROS_LOCALHOST_ONLY": "1"}, transport.Options{Domain: 3, Range: transport.Localhost}, ""},
		{env{"ROS_DISTRO": "jazzy"}, transport.Options{Domain: 3, Distro: "jazzy"}, ""},
		{env{"ROS_DISTRO": "Jazzy"}, transport.Options{}, "ROS_DISTRO"},
		{env{"ROS_DISTRO": "foxy"}, transport.Options{}, "ROS_DISTRO"},
		{env{"CYCLONEDDS_URI": "file:///x"}, transport.Options{Domain: 3, Config: "file:///x"}, ""},
	} {
		got, err := transport.Options{Domain: 3}.FromEnvironment(func(k string) string { return c.env[k] })
		if c.err != "" {
			if !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: error %v, want one that names %s", c.env, err, c.err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %+v, %v, want %+v", c.env, got, err, c.want)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	ok := transport.Options{Name: "node"}
	if err := ok.Validate(); err != nil {
		t.Errorf("%+v: %v", ok, err)
	}
	for _, o := range []transport.Options{
		{},
		{Name: "a/b"},
		{Name: "1a"},
		{Name: strings.Repeat("a", 300)},
		{Name: "a", Namespace: "robot"},
		{Name: "a", Namespace: "/robot/"},
		{Name: "a", Domain: 233},
		{Name: "a", Range: 3},
		{Name: "a", Range: transport.Localhost, Peers: []string{"10.0.0.1"}},
		{Name: "a", Peers: []string{`"/><x y="`}},
		{Name: "a", Peers: []string{""}},
		{Name: "a", Distro: "indigo"},
		{Name: "a", Enclave: "x;"},
		{Name: "a", Lease: time.Millisecond},
		{Name: "a", Lease: -time.Second},
		{Name: "a", MaxPayload: 3},
		{Name: "a", MaxPayload: 1<<30 + 1},
	} {
		if err := o.Validate(); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", o, err)
		}
	}
}

func TestTypeValidate(t *testing.T) {
	hash := "RIHS01_" + strings.Repeat("0a", 32)
	for typ, ok := range map[transport.Type]bool{
		{Name: "std_msgs/msg/String"}:                         true,
		{Name: "std_msgs/msg/String", Hash: hash}:             true,
		{Name: "rcl_interfaces/srv/GetParameters_Request"}:    true,
		{Name: "std_msgs/msg/String", Hash: hash[:70]}:        false,
		{Name: "a/srv/B", Request: hash, Response: hash}:      true,
		{Name: "a/srv/B", Request: hash[:70]}:                 false,
		{Name: "a/srv/B", Response: hash + "0"}:               false,
		{Name: "std_msgs/msg/String", Hash: hash[:70] + "G"}:  false,
		{Name: "std_msgs/msg/String", Hash: "x;serviceid=1;"}: false,
		{Name: "std_msgs/message/String"}:                     false,
		{Name: "std_msgs/msg/String/x"}:                       false,
		{Name: "std_msgs::msg::dds_::String_"}:                false,
	} {
		if err := typ.Validate(); (err == nil) != ok {
			t.Errorf("%+v: %v", typ, err)
		}
	}
}
