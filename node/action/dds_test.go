package action_test

import (
	"testing"

	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestGoalRunsToItsResultOverDDS does over the network what TestGoalRunsToItsResult does within
// the process.
func TestGoalRunsToItsResultOverDDS(t *testing.T) {
	domain := ddstest.Domain(t)
	runToResult(t, ddstest.Open(t, domain, "gps", nil), ddstest.Open(t, domain, "tool", nil))
}
