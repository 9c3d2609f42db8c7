//go:build !rclgo

package rosnode_test

import (
	"strconv"
	"testing"

	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/middleware"
)

// announced says what nodes of ROS 2 Jazzy announce for the topics and services of a node /gps:
// of a topic the message's hash, of a server the request's, of a client the response's.
var announced = map[string]string{
	"topic /rosout":                     "RIHS01_e28ce254ca8abc06abf92773b74602cdbf116ed34fbaf294fb9f81da9f318eac",
	"topic /joint_states":               "RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e",
	"topic /gps/transition_event":       "RIHS01_d5f8873a2f0146498f812d7885c7327ce27e463d36811d8792f35ee38c0d6c38",
	"topic /gps/train/_action/status":   "RIHS01_6c1684b00f177d37438febe6e709fc4e2b0d4248dca4854946f9ed8b30cda83e",
	"topic /gps/train/_action/feedback": new(gps.Train_FeedbackMessage).TypeHash(),

	"server /gps/get_parameters":            "RIHS01_135a9e1c3d7cebef792f6687d7ddf99949b21a0bd9a320d863a9110a3f5cf4d6",
	"server /gps/get_type_description":      "RIHS01_470f56ccbcf13d55c78c8b735fb12da03e639e5acded994426c89d94778d9e28",
	"server /gps/change_state":              "RIHS01_d74c6f524e14cade7b67e7297190360ed749264af300524fc1456f27cc2a553a",
	"server /gps/start":                     "RIHS01_d010825374ce8918e72bfd826c82603e60f45419e932ea976f807b74a863a199",
	"client /gps/start":                     "RIHS01_2d946c21e2fc3f1e9ca6986a8191d85fcc70097a8bb7771a053564bc47009cdf",
	"server /gps/train/_action/cancel_goal": "RIHS01_3d3c84653c1f96918086887e1dcb236faec88b81a5b14fd4cf4840065bcdf8af",
	"client /gps/train/_action/cancel_goal": "RIHS01_35e682cf3f510e83c70a82a4aac888496dedee56773bf9d8e5e0aa81f9e1c960",
	"server /gps/train/_action/send_goal":   new(gps.Train_SendGoal_Request).TypeHash(),
	"client /gps/train/_action/get_result":  new(gps.Train_GetResult_Response).TypeHash(),
}

// TestHashesOfEndpoints compares what a node announces with what Jazzy's would, and looks for
// endpoints without a hash; Humble's nodes announce none.
func TestHashesOfEndpoints(t *testing.T) {
	domain := ddstest.Domain(t)
	for _, distro := range []string{"humble", "jazzy"} {
		t.Run(distro, func(t *testing.T) {
			open(t, domain, distro)
			observer := ddstest.Open(t, domain, "observer", func(o *transport.Options) { o.Distro = distro })
			// Endpoints of the same process are discovered at once.
			g, err := observer.Graph()
			if err != nil {
				t.Fatal(err)
			}
			found := map[string]string{}
			for _, e := range g.Endpoints {
				found["topic "+e.Topic] = e.Type.Hash
			}
			for _, s := range g.Services {
				if s.Client {
					found["client "+s.Name] = s.Type.Response
				} else {
					found["server "+s.Name] = s.Type.Request
				}
			}
			for name, want := range announced {
				if got := found[name]; distro == "jazzy" && got != want {
					t.Errorf("%s: hash %q, want %q", name, got, want)
				}
			}
			for name, got := range found {
				if (got != "") != (distro == "jazzy") {
					t.Errorf("%s: hash %q", name, got)
				}
			}
			if len(found) < len(announced) {
				t.Errorf("%d topics, servers and clients, want %d or more", len(found), len(announced))
			}
		})
	}
}

// open opens the node /gps with every kind of endpoint, until t ends.
func open(t *testing.T, domain uint32, distro string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	environment := map[string]string{"ROS_DISTRO": distro, "ROS_DOMAIN_ID": strconv.Itoa(int(domain)), "ROS_LOCALHOST_ONLY": "1", "ROS_LOG_DIR": t.TempDir()}
	args, err := rcl.Parse(nil)
	check(err)
	set, err := params.Declare(&struct {
		UseSimTime    bool `param:"use_sim_time" desc:"Take the time from /clock." takes:"now"`
		DescribeTypes bool `param:"start_type_description_service" desc:"Offer descriptions of types." takes:"never"`
	}{DescribeTypes: true})
	check(err)
	n, err := rosnode.Open(rosnode.Config{Args: args, Name: rcl.NodeName{Name: "gps", Namespace: "/"}, Set: set,
		Open: middleware.Open, Getenv: func(name string) string { return environment[name] }, Quiet: true})
	check(err)
	t.Cleanup(func() { check(n.Close()) })
	check(n.Start(nil, nil))

	_, err = n.Publisher("/joint_states", rostype.Of(new(sensor_msgs.JointState)), transport.Default(), nil)
	check(err)
	start := rostype.Of(new(std_srvs.Trigger))
	_, err = n.Service("/gps/start", start, transport.ServiceQoS(), func([]byte, transport.Reply) {})
	check(err)
	_, err = n.Client("/gps/start", start, transport.ServiceQoS())
	check(err)
	machine, err := lifecycle.New(n, lifecycle.Config{Resolve: n.Resolve})
	check(err)
	t.Cleanup(func() { check(machine.Close()) })
	train := action.Type{SendGoal: &gps.Train_SendGoal{}, GetResult: &gps.Train_GetResult{}, Feedback: &gps.Train_FeedbackMessage{}}
	server, err := action.NewServer(n, action.Config{Name: "/gps/train", Type: train, Now: n.Clock.Now, Result: &gps.Train_Result{},
		Handler: action.Handler{Accepted: func(*action.Goal) {}}})
	check(err)
	t.Cleanup(func() { check(server.Close()) })
	client, err := action.NewClient(n, action.ClientConfig{Name: "/gps/train", Type: train})
	check(err)
	t.Cleanup(func() { check(client.Close()) })
}
