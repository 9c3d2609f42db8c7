package paramservice

import (
	"slices"
	"strings"

	"guidedpolicysearch/msgs/rcl_interfaces"
)

// list chooses from the sorted names as NodeParameters::list_parameters of rclcpp does: with no
// prefixes those of fewer than depth separators; else those that are a prefix, and those
// beneath one with fewer than depth separators, the one after the prefix among them. Depth 0
// is without bound. The prefixes of the result are those of the chosen names.
func list(names, prefixes []string, depth uint64) rcl_interfaces.ListParametersResult {
	var r rcl_interfaces.ListParametersResult
	shallow := func(s string) bool { return depth == 0 || uint64(strings.Count(s, ".")) < depth }
	chosen := func(name string) bool {
		if len(prefixes) == 0 {
			return shallow(name)
		}
		return slices.ContainsFunc(prefixes, func(prefix string) bool {
			rest, ok := strings.CutPrefix(name, prefix)
			return ok && (rest == "" || rest[0] == '.' && shallow(rest))
		})
	}
	seen := map[string]bool{}
	for _, name := range names {
		if !chosen(name) {
			continue
		}
		r.Names = append(r.Names, name)
		if i := strings.LastIndexByte(name, '.'); i >= 0 && !seen[name[:i]] {
			seen[name[:i]] = true
			r.Prefixes = append(r.Prefixes, name[:i])
		}
	}
	return r
}
