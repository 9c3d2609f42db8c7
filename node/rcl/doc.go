// Package rcl reads what configures a ROS 2 node from outside: ROS arguments, parameter files
// and names, with the verdicts and values of the real rcl (ROS 2 Humble: rcl and
// rcl_yaml_param_parser 5.3, rmw 6.1, rclcpp 16.0).
//
// Parse reads a command line and the parameter files on it. Args.Check refuses unknown ROS
// arguments; Args.Node, ResolveTopic and ResolveService apply the remap rules; Args.Overrides
// gives the parameters for one node, each with the place it was written.
//
// Agreement is held by vectors made with the real libraries (see vectors_test.go). It includes
// the library's oddities: a value of another type does not always replace an earlier one, and
// values merge by the node key written first. Override says where that loses a value, so the
// reader of the parameters can refuse to lose it silently.
//
// Files are bounded in size, depth and count, and no input panics or hangs.
package rcl
