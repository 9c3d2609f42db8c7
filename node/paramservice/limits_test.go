package paramservice

import (
	"fmt"
	"strings"
	"testing"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/params"
)

// ask calls a handler as a transport does, and decodes its answer into response.
func ask(t *testing.T, handler func([]byte, func([]byte) error), request, response msgs.Message) {
	t.Helper()
	answers := 0
	handler(request.AppendCDR(nil), func(payload []byte) error {
		answers++
		return response.UnmarshalCDR(payload)
	})
	if answers != 1 {
		t.Fatalf("%d answers, want 1", answers)
	}
}

func repeated(name string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = name
	}
	return names
}

// One request may ask for a large value often: the answer ends at maxAnswer.
func TestAnswersAreBounded(t *testing.T) {
	f := newFixture(t)
	if results, err := f.client.Set(call(t), []Assignment{{"log", text(strings.Repeat("x", maxValue-100))}}); err != nil || !results[0].Successful {
		t.Fatal(results, err)
	}
	for _, c := range []struct{ asked, want int }{{maxAnswer/maxValue - 1, maxAnswer/maxValue - 1}, {maxAnswer/maxValue + 1, 0}} {
		var response rcl_interfaces.GetParameters_Response
		ask(t, func(b []byte, reply func([]byte) error) { f.server.getParameters(b, reply) },
			&rcl_interfaces.GetParameters_Request{Names: repeated("log", c.asked)}, &response)
		if len(response.Values) != c.want {
			t.Errorf("asked for %d values of a megabyte: %d, want %d", c.asked, len(response.Values), c.want)
		}
	}
}

func TestPrefixesAreBounded(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ prefixes, want int }{{maxPrefixes, 1}, {maxPrefixes + 1, 0}} {
		var response rcl_interfaces.ListParameters_Response
		ask(t, func(b []byte, reply func([]byte) error) { f.server.listParameters(b, reply) },
			&rcl_interfaces.ListParameters_Request{Prefixes: repeated("gain", c.prefixes)}, &response)
		if len(response.Result.Names) != c.want {
			t.Errorf("%d prefixes: %q, want %d names", c.prefixes, response.Result.Names, c.want)
		}
	}
}

// What is beyond the limit of one request is refused, and only that.
func TestSetsAreBounded(t *testing.T) {
	f := newFixture(t)
	list := make([]Assignment, maxSets+1)
	for i := range list {
		list[i] = Assignment{"gain", double(2)}
	}
	results, err := f.client.Set(call(t), list)
	if err != nil || len(results) != len(list) {
		t.Fatal(len(results), err)
	}
	if last := results[maxSets-1]; !last.Successful {
		t.Errorf("number %d: %+v, want it set", maxSets, last)
	}
	if beyond := results[maxSets]; beyond.Successful || !strings.Contains(beyond.Reason, "at most 1000") {
		t.Errorf("number %d: %+v, want it refused", maxSets+1, beyond)
	}
}

// The nearest name takes a search through all of them, which one request has a few times only.
func TestNearestNamesAreBounded(t *testing.T) {
	f := newFixture(t)
	list := make([]Assignment, maxNearest+1)
	for i := range list {
		list[i] = Assignment{fmt.Sprintf("gian%d", i), double(2)}
	}
	for range 2 { // each request anew
		results, err := f.client.Set(call(t), list)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if said := strings.Contains(r.Reason, "nearest"); r.Successful || said != (i < maxNearest) {
				t.Errorf("number %d: %+v, want the nearest name: %v", i+1, r, i < maxNearest)
			}
		}
	}
}

func TestIntegerBounds(t *testing.T) {
	for _, c := range []struct {
		r             params.Range
		first, latest int64
	}{
		{params.Range{Min: -5, Max: 5}, -5, 5},
		{params.Range{Min: -5, Max: 5, OpenMin: true, OpenMax: true}, -4, 4},
		{params.Range{Min: -5.5, Max: 5.5, OpenMin: true, OpenMax: true}, -5, 5},
		{params.Range{Min: 0, Max: 1, OpenMin: true}, 1, 1},
	} {
		if first, latest := smallest(&c.r), largest(&c.r); first != c.first || latest != c.latest {
			t.Errorf("integers in %v: from %d to %d, want from %d to %d", c.r, first, latest, c.first, c.latest)
		}
	}
}
