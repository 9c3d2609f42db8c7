// Package demonstration reads recorded motions of a robot from files: rosbag2 bags (folders with
// metadata.yaml, or single MCAP files, https://mcap.dev/spec) with sensor_msgs/msg/JointState messages,
// and CSV files.
package demonstration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"guidedpolicysearch/hardware/trajectory"
)

// ErrBag marks a bag that no motion of the robot can be read from.
var ErrBag = errors.New("demonstration: invalid bag")

// Topics says where in a bag a motion is.
type Topics struct {
	// JointStates has sensor_msgs/msg/JointState.
	JointStates string
	// Commands has std_msgs/msg/Float64MultiArray, the efforts that were commanded, in the order of
	// the robot's joints: they take the place of the efforts in the joint states. "" for none.
	Commands string
}

// Read reads a motion of the joints from a bag's folder, an MCAP file (.mcap) or a CSV file (any
// other name; see trajectory.ReadCSV). Errors name the file; they wrap ErrBag or
// trajectory.ErrFormat, or are those of the file system.
func Read(path string, joints []string, topics Topics) (*trajectory.Trajectory, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch extension := filepath.Ext(path); {
	case info.IsDir():
		files, err := bagFiles(path)
		if err != nil {
			return nil, err
		}
		return readBag(files, joints, topics)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path) // a pipe might never end
	case extension == ".mcap":
		return readBag([]string{path}, joints, topics)
	case extension == sqliteExtension:
		return nil, sqlite(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	motion, err := trajectory.ReadCSV(f, joints)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return motion, nil
}
