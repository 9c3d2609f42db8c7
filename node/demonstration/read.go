// Package demonstration reads recorded motions of a robot from files: rosbag2 bags (folders with
// metadata.yaml, or single MCAP files, https://mcap.dev/spec) with sensor_msgs/msg/JointState messages,
// and CSV files.
package demonstration

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node/bag"
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
func Read(path string, joints []string, topics Topics) (*Stretch, error) {
	stretches, err := read(path, joints, topics, true, whole)
	if err != nil {
		return nil, err
	}
	return &stretches[0], nil
}

// Salvage is Read for bags that may have been cut off or have changed, and whose clocks may have been
// set back: it reads what is whole, at least one stretch, and returns what is lost of each damaged file.
func Salvage(path string, joints []string, topics Topics) ([]Stretch, []bag.Loss, error) {
	var losses []bag.Loss
	stretches, err := read(path, joints, topics, false, func(path string, visit bag.Visitor) (bag.Loss, error) {
		loss, err := bag.Salvage(path, visit)
		if loss.Cause != nil {
			losses = append(losses, loss)
		}
		return loss, err
	})
	return stretches, losses, err
}

// Files returns the MCAP files of a bag: of its folder, in their order, or the file itself. A path of
// neither has none.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return bagFiles(path)
	case filepath.Ext(path) == mcapExtension:
		return []string{path}, nil
	}
	return nil, nil
}

// mcapExtension ends the names of a bag's files.
const mcapExtension = ".mcap"

func read(path string, joints []string, topics Topics, single bool, walk walker) ([]Stretch, error) {
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
		return readBag(files, joints, topics, single, walk)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path) // a pipe might never end
	case extension == mcapExtension:
		return readBag([]string{path}, joints, topics, single, walk)
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
	return []Stretch{{Trajectory: motion, Stamp: int64(math.Round(motion.Time[0] * 1e9))}}, nil
}
