// Package ros2param is the command line of `ros2 param` (ROS 2 Humble) without ROS: the same
// arguments, output, exit statuses and reading of values, over a node's transport.
//
// Run differs from the original in what nobody builds on: there is no daemon, so that nodes
// are awaited for at most --spin-time; messages of errors say more; the regular expressions of
// --filter are Go's; and --json writes what was found as JSON.
package ros2param
