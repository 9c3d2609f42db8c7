package record

import (
	"errors"
	"fmt"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

// findRollout returns the one rollout in the bytes of a recording.
func findRollout(data []byte) (*guided_policy_search_msgs.Rollout, error) {
	var found *guided_policy_search_msgs.Rollout
	want := (*guided_policy_search_msgs.Rollout)(nil).TypeName()
	schemas := map[uint16]bool{} // whether a schema is the rollout's
	channels := map[uint16]bool{}
	err := walk(data, func(op mcap.OpCode, at int, body []byte) error {
		switch op {
		case mcap.OpSchema:
			s, err := mcap.ParseSchema(body)
			if err != nil {
				return err
			}
			schemas[s.ID] = s.Name == want
		case mcap.OpChannel:
			c, err := mcap.ParseChannel(body)
			if err != nil {
				return err
			}
			channels[c.ID] = schemas[c.SchemaID]
			if channels[c.ID] && c.MessageEncoding != "cdr" {
				return fmt.Errorf("topic %q has encoding %q, want cdr", c.Topic, c.MessageEncoding)
			}
		case mcap.OpMessage:
			m, err := mcap.ParseMessage(body)
			if err != nil {
				return err
			}
			rollout, known := channels[m.ChannelID]
			if !known {
				return fmt.Errorf("message of channel %d, of which there is none", m.ChannelID)
			}
			if !rollout {
				return nil
			}
			if found != nil {
				return errors.New("second rollout, want one")
			}
			found = &guided_policy_search_msgs.Rollout{}
			if err := found.UnmarshalCDR(m.Data); err != nil {
				return err
			}
			return checkShapes(found)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("at byte %d: end of a whole file without a message of %s", len(data), want)
	}
	return found, nil
}
