// Package watch follows a running guided_policy_search node from outside, by subscriptions alone: a
// Model takes what the node publishes, Screen draws it for a terminal, and each change is an Event
// for those who want lines.
package watch
