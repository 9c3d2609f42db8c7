package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestHostileNeighbours learns among nodes that flood the node with requests, nonsense and
// foreign types, and one that has its name. No torque changes by a bit, and its memory does
// not grow.
func TestHostileNeighbours(t *testing.T) {
	t.Parallel()
	want := train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", "4", "--seed", "11").Iterations
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	attack := func(name string, seed uint64, act func(ctx context.Context, n transport.Node, r *rand.Rand) error) {
		n := ddstest.Open(t, domain, name, nil)
		running.Add(1)
		go func() {
			defer running.Done()
			r := rand.New(rand.NewPCG(seed, 1))
			for ; ctx.Err() == nil; time.Sleep(time.Millisecond) { // other tests run too
				if err := act(ctx, n, r); err != nil && ctx.Err() == nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		}()
	}
	startRobot(t, domain)
	n := startNode(t, domain, folder, "iterations:=4", "seed:=11", "exit_when_done:=false")
	n.until("the node is configured", func() bool { return n.said("configured: ") > 0 }) // before that, seeds may be set

	attack("flood_of_sets", 1, func(ctx context.Context, n transport.Node, r *rand.Rand) error {
		names := []string{"seed", "samples", "use_sim_time", "robot.effort_limit", "no.such", "", strings.Repeat("x", 5000)}
		request := rcl_interfaces.SetParameters_Request{}
		for range r.IntN(300) {
			request.Parameters = append(request.Parameters, rcl_interfaces.Parameter{Name: names[r.IntN(len(names))],
				Value: rcl_interfaces.ParameterValue{Type: uint8(r.IntN(20)), IntegerValue: r.Int64(), StringValue: "y", DoubleArrayValue: make([]float64, r.IntN(100))}})
		}
		// What would change the time is left out: it takes effect.
		for i := range request.Parameters {
			if p := &request.Parameters[i]; p.Name == "use_sim_time" && p.Value.Type == 1 {
				p.Value.Type = 4
			}
		}
		return callOnce(ctx, n, "set_parameters", new(rcl_interfaces.SetParameters), request.AppendCDR(nil), true)
	})
	services := map[string]msgs.Type{"set_parameters": new(rcl_interfaces.SetParameters), "describe_parameters": new(rcl_interfaces.DescribeParameters),
		"list_parameters": new(rcl_interfaces.ListParameters), "change_state": new(lifecycle_msgs.ChangeState), "get_state": new(lifecycle_msgs.GetState),
		"train/_action/send_goal": new(guided_policy_search_msgs.Train_SendGoal), "train/_action/get_result": new(guided_policy_search_msgs.Train_GetResult)}
	attack("nonsense", 2, func(ctx context.Context, n transport.Node, r *rand.Rand) error {
		for name, typ := range services {
			if name == "change_state" && r.IntN(2) == 0 {
				continue
			}
			payload := make([]byte, 4+r.IntN(200))
			for i := 4; i < len(payload); i++ {
				payload[i] = byte(r.Uint32()) | 0x80 // lengths that nobody has, no transition's id
			}
			payload[1] = byte(r.IntN(2))
			if err := callOnce(ctx, n, name, typ, payload, false); err != nil {
				return err
			}
		}
		return nil
	})
	attack("foreign_types", 3, func(ctx context.Context, n transport.Node, r *rand.Rand) error {
		for _, topic := range []string{"/joint_states", "/effort_controller/commands", fqn + "/start", "/clock"} {
			p, err := n.Publisher(topic, rostype.Of(new(std_srvs.Trigger_Request)), transport.Default(), nil)
			if err != nil {
				return err
			}
			for range 100 {
				if err := p.Publish([]byte{0, 1, 0, 0, byte(r.Uint32())}); err != nil {
					return err
				}
			}
			if err := p.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	// Another of its name, without a control loop.
	ddstest.Open(t, domain, "guided_policy_search", nil)

	op := operate(t, domain)
	half := 0
	n.until("half of the iterations are done", func() bool { return iterationsSoFar(folder) >= 2 })
	half = residentKB(t, n.cmd.Process.Pid)
	n.until("all iterations are done", func() bool { return iterationsSoFar(folder) >= 4 })
	time.Sleep(2 * time.Second) // the floods go on
	if now := residentKB(t, n.cmd.Process.Pid); now > half+64<<10 {
		t.Errorf("the node grew from %d to %d KiB", half, now)
	}
	stop()
	running.Wait()
	sameCosts(t, reports(t, folder), want)
	if reason := op.set("iterations", integer(5)); reason != "" {
		t.Errorf("after the flood: %s", reason)
	}
	n.interrupt(0)
}

// callOnce calls a service of the node once. A request that means something is answered; one
// that does not may be left without an answer.
func callOnce(ctx context.Context, n transport.Node, service string, typ msgs.Type, request []byte, answered bool) error {
	c, err := n.Client(fqn+"/"+service, rostype.Of(typ), transport.ServiceQoS())
	if err != nil {
		return err
	}
	defer c.Close()
	wait := patience
	if !answered {
		wait = 50 * time.Millisecond
	}
	call, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if _, err = c.Call(call, request); !answered {
		return nil
	}
	return err
}

// residentKB is the memory of a process that is in use, in KiB.
func residentKB(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(data), "VmRSS:")
	kb := 0
	if _, err := fmt.Sscan(after, &kb); !found || err != nil {
		t.Fatalf("no VmRSS in the status of process %d: %v", pid, err)
	}
	return kb
}
