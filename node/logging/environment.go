package logging

import (
	"errors"
	"fmt"
	"path/filepath"
)

// environment is what the RCUTILS_* variables say.
type environment struct {
	format    string
	useStdout bool
	colored   *bool // nil: where the stream is a terminal
	warnings  []string
}

// readEnvironment never fails: what it does not understand counts as not set, with a warning.
func readEnvironment(getenv func(string) string) environment {
	e := environment{format: DefaultFormat}
	flag := func(name, zero, one string) *bool {
		switch v := getenv(name); v {
		case "":
		case "0", "1":
			on := v == "1"
			return &on
		default:
			e.warnings = append(e.warnings, fmt.Sprintf(
				"environment variable %s=%.80q, want 0 (%s), 1 (%s) or nothing: taken as not set", name, v, zero, one))
		}
		return nil
	}
	if on := flag("RCUTILS_LOGGING_USE_STDOUT", "use stderr", "use stdout"); on != nil {
		e.useStdout = *on
	}
	// Each line is written at once, whatever this says: a line is a buffer of its own.
	flag("RCUTILS_LOGGING_BUFFERED_STREAM", "not buffered", "buffered by line")
	e.colored = flag("RCUTILS_COLORIZED_OUTPUT", "never color", "always color")
	if v := getenv("RCUTILS_CONSOLE_OUTPUT_FORMAT"); v != "" {
		e.format = v
	}
	if getenv("RCUTILS_CONSOLE_STDOUT_LINE_BUFFERED") != "" {
		e.warnings = append(e.warnings, "environment variable RCUTILS_CONSOLE_STDOUT_LINE_BUFFERED is ignored: "+
			"use RCUTILS_LOGGING_USE_STDOUT and RCUTILS_LOGGING_BUFFERED_STREAM")
	}
	return e
}

// Directory is the folder for log files, as rcl_logging has it: ROS_LOG_DIR, else log in
// ROS_HOME, else ~/.ros/log; a leading ~ is HOME. The error says that HOME is needed and not
// set.
func Directory(getenv func(string) string) (string, error) {
	dir := getenv("ROS_LOG_DIR")
	if dir == "" {
		home := getenv("ROS_HOME")
		if home == "" {
			home = "~/.ros"
		}
		dir = filepath.Join(home, "log")
	}
	if dir[0] == '~' {
		home := getenv("HOME")
		if home == "" {
			return "", errors.New("folder for log files: HOME is not set; set it, or ROS_LOG_DIR to a folder")
		}
		dir = home + dir[1:]
	}
	return dir, nil
}
