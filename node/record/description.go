package record

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"guidedpolicysearch/hardware/urdf"
)

// DescriptionFile is the robot's description in a run folder, as it was used.
const DescriptionFile = "robot.urdf"

// ReadDescription reads the robot's description in a run folder; nil if the robot has none. Errors
// wrap those of package urdf, or are those of the file system.
func ReadDescription(dir string) (*urdf.Model, error) {
	const most = 1 << 26 // bytes
	text, err := ReadFile(filepath.Join(dir, DescriptionFile), most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := urdf.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", DescriptionFile, dir, err)
	}
	return m, nil
}
