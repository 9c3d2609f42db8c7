package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/middleware"
)

const (
	nodeEnclave     = "/guided_policy_search"
	robotEnclave    = "/sim_robot"
	operatorEnclave = "/operator"
)

// keystore has the enclaves of the policy file in the repository.
func keystore(t *testing.T) *ddstest.Keystore {
	t.Helper()
	k := ddstest.NewKeystore(t)
	for enclave, grant := range ddstest.ReadPolicy(t, "../../security/guided_policy_search.policy.xml") {
		k.Enclave(enclave, grant)
	}
	return k
}

// startSecured starts a program in an enclave of a keystore.
func startSecured(t *testing.T, domain uint32, k *ddstest.Keystore, enclave, program string, parameters ...string) *process {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, program), append(rosArgs(t, parameters...), "--enclave", enclave)...)
	cmd.Env = k.Environment()
	return startCommand(t, domain, cmd)
}

// intruder is a node that listens to the robot and the node, and commands both.
type intruder struct {
	heard      atomic.Int64 // messages of others
	publishers []transport.Publisher
	clients    []transport.Client
	stop       chan struct{}
	stopped    sync.WaitGroup
}

// own is how many endpoints the intruder's commands reach that are its own.
const own = 2

// intrude opens an intruder, whose options may be changed, and starts it.
func intrude(t *testing.T, domain uint32, change func(*transport.Options)) *intruder {
	t.Helper()
	n := ddstest.Open(t, domain, "intruder", change)
	i := &intruder{stop: make(chan struct{})}
	said := map[string][]byte{}
	for topic, m := range map[string]interface {
		message
		AppendCDR([]byte) []byte
	}{
		"/effort_controller/commands":       &std_msgs.Float64MultiArray{Data: []float64{9, -9}},
		"/joint_states":                     &sensor_msgs.JointState{Name: []string{"joint1", "joint2"}, Position: []float64{1, 2}, Velocity: []float64{3, 4}},
		"/guided_policy_search/stop":        new(std_msgs.Empty),
		"/guided_policy_search/abort_trial": new(std_msgs.Empty),
	} {
		p, err := n.Publisher(topic, transport.Type{Name: m.TypeName()}, transport.Default(), nil)
		if err != nil {
			t.Fatal(err)
		}
		said[topic] = m.AppendCDR(nil)
		i.publishers = append(i.publishers, p)
		i.repeat(t, p, said[topic])
	}
	for topic, m := range map[string]message{
		"/effort_controller/commands":     new(std_msgs.Float64MultiArray),
		"/joint_states":                   new(sensor_msgs.JointState),
		"/guided_policy_search/state":     new(guided_policy_search_msgs.NodeState),
		"/guided_policy_search/iteration": new(guided_policy_search_msgs.IterationReport),
		"/rosout":                         new(rcl_interfaces.Log),
	} {
		// Best effort and volatile match whatever is offered.
		q := transport.SensorData()
		_, err := n.Subscribe(topic, transport.Type{Name: m.TypeName()}, q, func(payload []byte, _ transport.Info) {
			if !bytes.Equal(payload, said[topic]) {
				i.heard.Add(1)
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, service := range []string{"start", "stop", "abort_trial", "save"} {
		c, err := n.Client("/guided_policy_search/"+service, transport.Type{Name: "std_srvs/srv/Trigger"}, transport.ServiceQoS())
		if err != nil {
			t.Fatal(err)
		}
		i.clients = append(i.clients, c)
	}
	t.Cleanup(i.end)
	until(t, "the intruder hears itself", func() bool { return i.connected() == own })
	return i
}

// repeat says the same again and again until the intruder ends.
func (i *intruder) repeat(t *testing.T, p transport.Publisher, payload []byte) {
	i.stopped.Add(1)
	go func() {
		defer i.stopped.Done()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-i.stop:
				return
			}
			if err := p.Publish(payload); err != nil {
				t.Errorf("the intruder cannot publish: %v", err)
				return
			}
		}
	}()
}

func (i *intruder) end() {
	select {
	case <-i.stop:
	default:
		close(i.stop)
	}
	i.stopped.Wait()
}

// connected is the number of endpoints that any of the intruder's commands reaches.
func (i *intruder) connected() (n int) {
	for _, p := range i.publishers {
		n += p.Matched()
	}
	for _, c := range i.clients {
		n += c.Servers()
	}
	return n
}

// TestIntruder has a robot and a node learn in their enclaves, under the policy file of the
// repository, beside a third process, this one, that is not of their keystore. It hears
// nothing, and what it says changes no bit of what is learned.
func TestIntruder(t *testing.T) {
	t.Parallel()
	k := keystore(t)
	foreign := ddstest.NewKeystore(t)
	foreign.Enclave(nodeEnclave, ddstest.All())
	alone := shortAlone(t)
	for _, c := range []struct {
		name   string
		change func(*transport.Options)
	}{
		{"without security", nil},
		{"of another authority", func(o *transport.Options) {
			o.Security = &transport.Security{Keystore: foreign.Folder, Enclave: nodeEnclave, Enforce: true}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			domain := ddsDomain(t)
			folder := filepath.Join(t.TempDir(), "run")
			i := intrude(t, domain, c.change)
			startSecured(t, domain, k, robotEnclave, "sim_robot")
			n := startSecured(t, domain, k, nodeEnclave, "gps_node", append([]string{patient, "run_folder:=" + folder}, short...)...)
			n.until("the first iteration is over", func() bool { return n.said("iteration 1 of 2") > 0 })
			if got := i.connected() - own; got != 0 {
				t.Errorf("what the intruder commands reaches %d endpoints of others, want none", got)
			}
			n.finish(0, 3)
			i.end()
			sameCosts(t, reports(t, folder), alone.Iterations)
			if heard := i.heard.Load(); heard > 0 {
				t.Errorf("the intruder heard %d messages, want none", heard)
			}
			if n.said("a fault is latched: ") > 0 {
				t.Error("the intruder brought about a fault")
			}
		})
	}
}

// TestIntruderUnsecured shows that the intruder is one where nothing is secured.
func TestIntruderUnsecured(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	i := intrude(t, domain, nil)
	startRobot(t, domain)
	n := startNode(t, domain, filepath.Join(t.TempDir(), "run"), "iterations:=100000")
	// The robot listens to commands, the node to the four topics and with four services.
	n.until("the intruder reaches robot and node, and hears them", func() bool { return i.connected() >= own+8 && i.heard.Load() > 0 })
	i.end()
	n.interrupt(0)
}

// TestOperator has this process be of the enclave for people: it hears the robot and the node
// and may stop the node, but not move the arm.
func TestOperator(t *testing.T) {
	t.Parallel()
	k := keystore(t)
	domain := ddsDomain(t)
	startSecured(t, domain, k, robotEnclave, "sim_robot")
	n := startSecured(t, domain, k, nodeEnclave, "gps_node", patient, "run_folder:="+filepath.Join(t.TempDir(), "run"), "iterations:=100000")
	operator := ddstest.Open(t, domain, "operator", func(o *transport.Options) {
		o.Security = &transport.Security{Keystore: k.Folder, Enclave: operatorEnclave, Enforce: true}
	})
	heard := observeFrom(t, operator, "")
	n.until("the operator hears robot and node", func() bool {
		states, commands := heard.counts()
		_, known := heard.phase()
		return states > 0 && commands > 0 && known
	})
	if _, err := operator.Publisher("/effort_controller/commands", transport.Type{Name: new(std_msgs.Float64MultiArray).TypeName()}, transport.Default(), nil); err == nil {
		t.Error("the operator may command the arm")
	}
	stop, err := operator.Client("/guided_policy_search/stop", transport.Type{Name: "std_srvs/srv/Trigger"}, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	response, err := stop.Call(t.Context(), new(std_srvs.Trigger_Request).AppendCDR(nil))
	var answer std_srvs.Trigger_Response
	if err == nil {
		err = answer.UnmarshalCDR(response)
	}
	if err != nil || !answer.Success {
		t.Errorf("~/stop: %+v, %v", answer, err)
	}
	until(t, "the torque is zero", func() bool { return isZero(heard.lastCommand()) })
	n.interrupt(0)
}

// TestNotPermitted starts a robot in an enclave that must not publish joint states.
func TestNotPermitted(t *testing.T) {
	t.Parallel()
	k := ddstest.NewKeystore(t)
	k.Enclave(robotEnclave, ddstest.Grant{Publish: []string{"ros_discovery_info", "rr/*", "rt/clock", "rt/rosout", "rt/parameter_events", "rt/diagnostics"}, Subscribe: []string{"*"}})
	p := startSecured(t, ddsDomain(t), k, robotEnclave, "sim_robot")
	p.finish(1)
	if middleware.Name == "dds" {
		wantError(t, p, "/joint_states", "permissions of the enclave")
	}
}

// TestEnforce takes each file of the keystore away in turn.
func TestEnforce(t *testing.T) {
	t.Parallel()
	k := keystore(t)
	domain := ddsDomain(t)
	for _, name := range []string{"identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem", "governance.p7s", "permissions.p7s"} {
		path := filepath.Join(k.Folder, "enclaves", nodeEnclave, name)
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(t.TempDir(), "run")
		p := startSecured(t, domain, k, nodeEnclave, "gps_node", "run_folder:="+folder)
		p.finish(2)
		wantError(t, p, path, "Enforce", "ros2 security create_enclave")
		if exists(folder, "") {
			t.Errorf("without %s a run folder was made", name)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
	}
	// Where it is not enforced, the node says that it goes on without.
	path := filepath.Join(k.Folder, "enclaves", nodeEnclave, "key.pem")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(programs, "gps_node"), append(rosArgs(t, "run_folder:="+filepath.Join(t.TempDir(), "run")), "--enclave", nodeEnclave)...)
	for _, v := range k.Environment() {
		cmd.Env = append(cmd.Env, strings.Replace(v, "=Enforce", "=Permissive", 1))
	}
	p := startCommand(t, domain, cmd)
	p.until("it warns", func() bool { return p.said("WITHOUT security") > 0 && p.said(path) > 0 })
	p.until("it waits for the robot", func() bool { return p.said("joint_states") > 0 })
	p.interrupt(0)
	// An enclave's name leads nowhere else.
	cmd = exec.Command(filepath.Join(programs, "gps_node"), rosArgs(t)...)
	cmd.Env = append(k.Environment(), "ROS_SECURITY_ENCLAVE_OVERRIDE=/../enclaves"+nodeEnclave)
	p = startCommand(t, domain, cmd)
	p.finish(2)
	wantError(t, p, "ROS_SECURITY_ENCLAVE_OVERRIDE")
}
