// Package logging gives a node the log that nodes on rclcpp have: severities and logger names
// with levels from the command line, lines on the console in the format of rcutils, a log
// file as rcl_logging_spdlog writes it, and messages on /rosout (ROS 2 Humble: rcutils 5.1,
// rcl_logging 2.3, rcl 5.3).
//
// Log formats a line and hands it to one bounded queue for each place that it goes to; a
// goroutine for each place writes it. So logging never waits for a terminal, a disk or the
// network, and one that stands still does not hold up the others. A place whose queue is full
// loses lines; how many is said there as soon as it has caught up.
//
// It differs from rclcpp where that loses lines: those of child loggers are on /rosout too (as
// from Iron on), those logged before the transport is open are published when it is, each
// line is in the file at once, and a log folder that cannot be used, or an environment
// variable that says nothing, costs a warning and not the node.
package logging
