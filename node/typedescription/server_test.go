package typedescription_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/action_msgs"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	tdi "guidedpolicysearch/msgs/type_description_interfaces"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/typedescription"
)

// patience is how long a test waits for what has to happen.
const patience = 30 * time.Second

const serviceName = "/gps/get_type_description"

func catalog(t testing.TB) *typedescription.Catalog {
	t.Helper()
	c, err := typedescription.NewCatalog()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// types are of every kind that endpoints have, and some of their parts.
func types() []msgs.Type {
	return []msgs.Type{
		&sensor_msgs.JointState{}, &rcl_interfaces.ParameterEvent{}, &gps.Rollout{}, &gps.TrialCommand{}, &gps.TrialReport{},
		&std_srvs.Trigger{}, &lifecycle_msgs.ChangeState{}, &rcl_interfaces.DescribeParameters{}, &tdi.GetTypeDescription{},
		&tdi.GetTypeDescription_Response{}, &std_srvs.Empty_Request{}, &action_msgs.CancelGoal{},
		&gps.Train{}, &gps.Train_SendGoal{}, &gps.Train_GetResult{}, &gps.Train_FeedbackMessage{},
	}
}

// ask returns a function that asks a node's service over a bus.
func ask(t *testing.T, c *typedescription.Catalog) (*typedescription.Server, func(*tdi.GetTypeDescription_Request) tdi.GetTypeDescription_Response) {
	t.Helper()
	var bus mem.Bus
	open := func(name string) *mem.Node {
		n, err := bus.Open(transport.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return n
	}
	s, err := typedescription.New(open("gps"), serviceName, c)
	if err != nil {
		t.Fatal(err)
	}
	return s, client(t, open("tool"))
}

// client returns a function that asks the service from a node.
func client(t *testing.T, node transport.Services) func(*tdi.GetTypeDescription_Request) tdi.GetTypeDescription_Response {
	t.Helper()
	c, err := node.Client(serviceName, rostype.Of(&tdi.GetTypeDescription{}), transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func(request *tdi.GetTypeDescription_Request) tdi.GetTypeDescription_Response {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		payload, err := c.Call(ctx, request.AppendCDR(nil))
		if err != nil {
			t.Fatal(err)
		}
		var response tdi.GetTypeDescription_Response
		if err := response.UnmarshalCDR(payload); err != nil {
			t.Fatal(err)
		}
		return response
	}
}

// hash computes the hash of a description as it was served: SHA-256 of JSON whose keys are
// in this order.
func hash(t *testing.T, d tdi.TypeDescription) string {
	t.Helper()
	type fieldType struct {
		ID             uint8  `json:"type_id"`
		Capacity       uint64 `json:"capacity"`
		StringCapacity uint64 `json:"string_capacity"`
		Nested         string `json:"nested_type_name"`
	}
	type field struct {
		Name string    `json:"name"`
		Type fieldType `json:"type"`
	}
	type individual struct {
		Name   string  `json:"type_name"`
		Fields []field `json:"fields"`
	}
	one := func(i tdi.IndividualTypeDescription) individual {
		out := individual{i.TypeName_, []field{}}
		for _, f := range i.Fields {
			out.Fields = append(out.Fields, field{f.Name, fieldType{f.Type.TypeId, f.Type.Capacity, f.Type.StringCapacity, f.Type.NestedTypeName}})
		}
		return out
	}
	all := struct {
		Type       individual   `json:"type_description"`
		Referenced []individual `json:"referenced_type_descriptions"`
	}{one(d.TypeDescription), []individual{}}
	for _, r := range d.ReferencedTypeDescriptions {
		all.Referenced = append(all.Referenced, one(r))
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	// As Python spaces it; no name holds a comma or colon.
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(","), []byte(", ")), []byte(":"), []byte(": "))
	sum := sha256.Sum256(text)
	return "RIHS01_" + hex.EncodeToString(sum[:])
}

// check asks for every type of types.
func check(t *testing.T, ask func(*tdi.GetTypeDescription_Request) tdi.GetTypeDescription_Response) {
	for _, typ := range types() {
		for _, sources := range []bool{true, false} {
			got := ask(&tdi.GetTypeDescription_Request{TypeName_: typ.TypeName(), TypeHash_: typ.TypeHash(), IncludeTypeSources: sources})
			if !got.Successful || got.FailureReason != "" || got.TypeDescription.TypeDescription.TypeName_ != typ.TypeName() {
				t.Fatalf("%s: %+v", typ.TypeName(), got)
			}
			if h := hash(t, got.TypeDescription); h != typ.TypeHash() {
				t.Errorf("%s: the description hashes to %s, announced is %s", typ.TypeName(), h, typ.TypeHash())
			}
			if !sources {
				if len(got.TypeSources) != 0 {
					t.Errorf("%s: %d sources that were not asked for", typ.TypeName(), len(got.TypeSources))
				}
				continue
			}
			names := []string{got.TypeDescription.TypeDescription.TypeName_}
			for _, r := range got.TypeDescription.ReferencedTypeDescriptions {
				names = append(names, r.TypeName_)
			}
			if len(got.TypeSources) != len(names) {
				t.Fatalf("%s: %d sources for %d types", typ.TypeName(), len(got.TypeSources), len(names))
			}
			for i, s := range got.TypeSources {
				if s.TypeName_ != names[i] {
					t.Errorf("%s: source %d is of %s, want %s", typ.TypeName(), i, s.TypeName_, names[i])
				}
			}
		}
	}
}

func TestDescriptionsHashToWhatIsAnnounced(t *testing.T) {
	_, ask := ask(t, catalog(t))
	check(t, ask)
}

func TestCatalogKnowsTheGeneratedHashes(t *testing.T) {
	c := catalog(t)
	for _, typ := range types() {
		if got := c.Hash(typ.TypeName()); got != typ.TypeHash() {
			t.Errorf("%s: %q, want %s", typ.TypeName(), got, typ.TypeHash())
		}
	}
	if got := c.Hash("no_msgs/msg/Such"); got != "" {
		t.Errorf("hash %q of a type that is not there", got)
	}
}

func TestSource(t *testing.T) {
	_, ask := ask(t, catalog(t))
	got := ask(&tdi.GetTypeDescription_Request{TypeHash_: (&gps.Train_FeedbackMessage{}).TypeHash(), IncludeTypeSources: true})
	for _, s := range got.TypeSources {
		encoding, text := "implicit", s.RawFileContents == ""
		if strings.Contains(s.TypeName_, "/msg/") {
			encoding, text = "msg", strings.Contains(s.RawFileContents, "uint")
		}
		if s.Encoding != encoding || !text {
			t.Errorf("source %+v, want one with encoding %s", s, encoding)
		}
	}
	if len(got.TypeSources) != 4 { // the message, its feedback, Time and UUID
		t.Errorf("%d sources", len(got.TypeSources))
	}
}

func TestRefused(t *testing.T) {
	s, ask := ask(t, catalog(t))
	known := (&sensor_msgs.JointState{}).TypeHash()
	upper := "RIHS01_" + strings.ToUpper(strings.TrimPrefix(known, "RIHS01_"))
	for name, c := range map[string]struct{ hash, reason string }{
		"none":         {"", "Failed to parse type hash"},
		"version":      {strings.Replace(known, "RIHS01", "RIHS02", 1), "Failed to parse type hash"},
		"short":        {known[:len(known)-1], "Failed to parse type hash"},
		"long":         {known + "0", "Failed to parse type hash"},
		"digit":        {known[:len(known)-1] + "g", "Failed to parse type hash"},
		"unknown":      {"RIHS01_" + strings.Repeat("0", 64), "Type not currently in use by this node"},
		"upper case":   {upper, ""},
		"as it should": {known, ""},
	} {
		got := ask(&tdi.GetTypeDescription_Request{TypeName_: "sensor_msgs/msg/JointState", TypeHash_: c.hash, IncludeTypeSources: true})
		if got.FailureReason != c.reason || got.Successful != (c.reason == "") {
			t.Errorf("%s: successful %v, reason %q, want %q", name, got.Successful, got.FailureReason, c.reason)
		}
		if !got.Successful && (len(got.TypeSources) != 0 || got.TypeDescription.TypeDescription.TypeName_ != "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if s.Malformed() != 0 {
		t.Errorf("%d requests counted as malformed", s.Malformed())
	}
	got := ask(&tdi.GetTypeDescription_Request{TypeName_: strings.Repeat("x", 5000), TypeHash_: known})
	if got.Successful || got.FailureReason == "" || s.Malformed() != 1 {
		t.Errorf("a request too long: %+v, %d counted", got, s.Malformed())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestOffered(t *testing.T) {
	for distro, want := range map[string]bool{"": false, "humble": false, "iron": true, "jazzy": true, "kilted": true, "lyrical": true, "rolling": true} {
		if typedescription.Offered(distro) != want {
			t.Errorf("%q: offered is %v", distro, !want)
		}
	}
}

// direct is a transport that hands the handler over.
type direct struct{ handler transport.ServiceHandler }

func (d *direct) Service(_ string, _ transport.Type, _ transport.QoS, h transport.ServiceHandler) (transport.Service, error) {
	d.handler = h
	return d, nil
}

func (*direct) Close() error { return nil }

// TestAllocations holds a flood of requests to no garbage.
func TestAllocations(t *testing.T) {
	var d direct
	if _, err := typedescription.New(&d, serviceName, catalog(t)); err != nil {
		t.Fatal(err)
	}
	request := (&tdi.GetTypeDescription_Request{TypeName_: "a", TypeHash_: (&gps.Train{}).TypeHash(), IncludeTypeSources: true}).AppendCDR(nil)
	size := 0
	reply := func(response []byte) error { size = len(response); return nil }
	d.handler(request, reply)
	if n := testing.AllocsPerRun(100, func() { d.handler(request, reply) }); n > 3 {
		t.Errorf("%v allocations for a response of %d bytes, want at most those of the hash's text", n, size)
	}
}

// FuzzAnswer sends any bytes: an answer, and never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add((&tdi.GetTypeDescription_Request{TypeName_: "a", TypeHash_: (&std_srvs.Trigger{}).TypeHash()}).AppendCDR(nil))
	f.Add([]byte{0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff})
	var d direct
	if _, err := typedescription.New(&d, serviceName, catalog(f)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		answers := 0
		d.handler(request, func(response []byte) error {
			answers++
			var m tdi.GetTypeDescription_Response
			if err := m.UnmarshalCDR(response); err != nil {
				t.Error(err)
			} else if m.Successful != (m.FailureReason == "") {
				t.Errorf("%+v", m)
			}
			return nil
		})
		if answers != 1 {
			t.Errorf("%d answers", answers)
		}
	})
}

func BenchmarkNewCatalog(b *testing.B) {
	for range b.N {
		if _, err := typedescription.NewCatalog(); err != nil {
			b.Fatal(err)
		}
	}
}
