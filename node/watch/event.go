package watch

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Kinds of events.
const (
	StateEvent       = "state"       // phase, trial or fault of the node changed
	TrialEvent       = "trial"       // a trial was recorded
	IterationEvent   = "iteration"   // an iteration ended
	DiagnosticsEvent = "diagnostics" // the level of a part's health changed
	LogEvent         = "log"         // a warning or an error was logged
	MalformedEvent   = "malformed"   // a message was not of its topic's type
)

// Event is something that happened. Values hold numbers, texts and lists of numbers by name, as
// the message has them; what is not finite is left out.
type Event struct {
	Kind   string
	Time   time.Time // when it was received
	Values []Value
	Text   string // for people
}

// Value is a named value of an event.
type Value struct {
	Name string
	Is   any // float64, []float64, uint64, string or bool
}

// MarshalJSON writes {"event": kind, "time": seconds since the epoch, values...}.
func (e Event) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `{"event":%q,"time":%.6f`, e.Kind, float64(e.Time.UnixNano())*1e-9)
	for _, v := range e.Values {
		is := v.Is
		switch x := is.(type) {
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				is = nil
			}
		case []float64:
			is = finite(x)
		}
		data, err := json.Marshal(is)
		if err != nil {
			return nil, fmt.Errorf("watch: %s of an event %s: %w", v.Name, e.Kind, err)
		}
		fmt.Fprintf(&b, ",%q:%s", v.Name, data)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// finite has nil for each number that JSON has no word for.
func finite(list []float64) []any {
	out := make([]any, len(list))
	for i, v := range list {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out[i] = v
		}
	}
	return out
}

// Line is an event for people, with the time of day.
func (e Event) Line() string {
	return fmt.Sprintf("%s  %-11s  %s", e.Time.Format("15:04:05"), e.Kind, e.Text)
}
