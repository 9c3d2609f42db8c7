package logging

import (
	"fmt"
	"os"
	"path/filepath"
)

// createFile makes the log file of a process, <folder>/<executable>_<pid>_<ms>.log, and the
// folder. now is in ns since the epoch.
func createFile(getenv func(string) string, executable string, now int64) (*os.File, error) {
	dir, err := Directory(getenv)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("folder for log files: %w; set ROS_LOG_DIR to one that can be written", err)
	}
	name := fmt.Sprintf("%s_%d_%d.log", filepath.Base(executable), os.Getpid(), now/1_000_000)
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("log file: %w; set ROS_LOG_DIR to a folder that can be written", err)
	}
	return f, nil
}
