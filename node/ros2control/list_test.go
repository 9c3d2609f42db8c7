package ros2control

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"guidedpolicysearch/msgs/cdr"
	cm "guidedpolicysearch/msgs/controller_manager_msgs"
)

// encode is the response of list_controllers as a version of ros2_control writes it.
func (l layout) encode(list []cm.ControllerState) []byte {
	e := cdr.NewEncoder(nil)
	words := func(s []string) {
		e.Len(len(s))
		e.Strings(s)
	}
	e.Len(len(list))
	for _, c := range list {
		e.String(c.Name)
		e.String(c.State)
		e.String(c.Type)
		if l.rate {
			e.Bool(c.IsAsync)
			e.Uint16(c.UpdateRate)
		}
		words(c.ClaimedInterfaces)
		words(c.RequiredCommandInterfaces)
		words(c.RequiredStateInterfaces)
		e.Bool(c.IsChainable)
		e.Bool(c.IsChained)
		if l.exported {
			words(c.ExportedStateInterfaces)
		}
		words(c.ReferenceInterfaces)
		e.Len(len(c.ChainConnections))
		for _, chain := range c.ChainConnections {
			e.String(chain.Name)
			words(chain.ReferenceInterfaces)
		}
	}
	return e.Bytes()
}

// random returns a list of what the layout has fields for. As in life, everything has a name
// and chains have references.
func (l layout) random(r *rand.Rand) []cm.ControllerState {
	word := func() string {
		const letters = "abcdefg_/0123456789"
		b := make([]byte, 1+r.IntN(12))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	words := func() []string {
		w := make([]string, r.IntN(4))
		for i := range w {
			w[i] = word()
		}
		return w
	}
	list := make([]cm.ControllerState, r.IntN(5))
	for i := range list {
		c := &list[i]
		*c = cm.ControllerState{Name: word(), State: word(), Type: word(), ClaimedInterfaces: words(), RequiredCommandInterfaces: words(), RequiredStateInterfaces: words(),
			IsChainable: r.IntN(2) == 0, IsChained: r.IntN(2) == 0, ReferenceInterfaces: words(), ChainConnections: make([]cm.ChainConnection, r.IntN(3))}
		for k := range c.ChainConnections {
			c.ChainConnections[k] = cm.ChainConnection{Name: word(), ReferenceInterfaces: append(words(), "r")}
		}
		if l.rate {
			c.IsAsync, c.UpdateRate = r.IntN(2) == 0, uint16(r.IntN(1<<16))
		}
		if l.exported {
			c.ExportedStateInterfaces = words()
		}
	}
	return list
}

// TestListsOfROS decodes what rclpy of Humble and of Jazzy wrote with their own messages.
func TestListsOfROS(t *testing.T) {
	for distro, l := range map[string]layout{"humble": layouts[2], "jazzy": layouts[0]} {
		text, err := os.ReadFile("testdata/list_controllers_" + distro + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Cases []struct {
				Name   string
				Fields struct{ Controller []map[string]any }
				Hex    string `json:"cdr_hex"`
			}
		}
		if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) < 5 {
			t.Fatalf("%s: %d cases, error %v", distro, len(file.Cases), err)
		}
		for _, c := range file.Cases {
			payload, err := hex.DecodeString(c.Hex)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeList(payload)
			if err != nil {
				t.Errorf("%s %s: %v", distro, c.Name, err)
				continue
			}
			if len(got) != len(c.Fields.Controller) {
				t.Errorf("%s %s: %d controllers, want %d", distro, c.Name, len(got), len(c.Fields.Controller))
				continue
			}
			for i, want := range c.Fields.Controller {
				checkFields(t, distro+" "+c.Name, &got[i], want)
			}
			if again := l.encode(got); hex.EncodeToString(again) != c.Hex {
				t.Errorf("%s %s: encoded again\n%x, want\n%s", distro, c.Name, again, c.Hex)
			}
		}
	}
}

// checkFields compares what a user sees of a controller.
func checkFields(t *testing.T, name string, got *cm.ControllerState, want map[string]any) {
	t.Helper()
	rate, _ := want["update_rate"].(float64)
	claimed := []string{}
	for _, s := range want["claimed_interfaces"].([]any) {
		claimed = append(claimed, s.(string))
	}
	if got.Name != want["name"] || got.State != want["state"] || got.Type != want["type"] || got.IsChained != want["is_chained"] ||
		float64(got.UpdateRate) != rate || !slices.Equal(got.ClaimedInterfaces, claimed) {
		t.Errorf("%s: %+v, want %v", name, *got, want)
	}
}

// TestLayouts decodes random lists of every version, though nothing says which it is.
func TestLayouts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range layouts {
		for range 3000 {
			want := l.random(r)
			got, err := decodeList(l.encode(want))
			if err != nil {
				t.Fatalf("since %s: %v of %+v", l.since, err, want)
			}
			if all := layouts[0]; !bytes.Equal(all.encode(got), all.encode(want)) {
				t.Fatalf("since %s:\n%+v, want\n%+v", l.since, got, want)
			}
		}
	}
	newest := cm.ListControllers_Response{Controller: layouts[0].random(r)}
	if got := layouts[0].encode(newest.Controller); !bytes.Equal(got, newest.AppendCDR(nil)) {
		t.Errorf("the test's encoder gives %x, want %x", got, newest.AppendCDR(nil))
	}
}

// TestNoLayout refuses what is cut off, or goes on, unless that is a list too: empty
// sequences at the end are what older versions lack.
func TestNoLayout(t *testing.T) {
	payload := layouts[0].encode([]cm.ControllerState{{Name: "effort_controller", State: active, Type: "a/B", ClaimedInterfaces: []string{"a/effort"}}})
	for n := range payload {
		list, err := decodeList(payload[:n])
		if err == nil && !isList(list, payload[:n]) || err != nil && !errors.Is(err, ErrLayout) || err == nil && n < len(payload)-8 {
			t.Errorf("%d of %d bytes: %+v, error %v", n, len(payload), list, err)
		}
	}
	for n := 1; n < 40; n++ {
		if _, err := decodeList(append(payload[:len(payload):len(payload)], make([]byte, n)...)); (err == nil) != (n < 4) {
			t.Errorf("%d bytes more: error %v", n, err)
		}
	}
	nameless := layouts[0].encode([]cm.ControllerState{{Name: "a", ReferenceInterfaces: []string{"b", ""}}})
	if _, err := decodeList(nameless); !errors.Is(err, errNameless) {
		t.Errorf("an interface without a name: error %v", err)
	}
}

// isList says if payload is the list in one of the layouts, but for padding behind it.
func isList(list []cm.ControllerState, payload []byte) bool {
	return slices.ContainsFunc(layouts, func(l layout) bool {
		again := l.encode(list)
		return len(again) <= len(payload) && len(payload)-len(again) < 4
	})
}

func FuzzDecodeList(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, l := range layouts {
		for range 4 {
			f.Add(l.encode(l.random(r)))
		}
	}
	f.Add([]byte{0, 1, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, payload []byte) {
		list, err := decodeList(payload)
		if err != nil {
			if !errors.Is(err, ErrLayout) {
				t.Errorf("error %v", err)
			}
			return
		}
		if !isList(list, payload) {
			t.Errorf("%d bytes are no list in any layout", len(payload))
		}
	})
}
