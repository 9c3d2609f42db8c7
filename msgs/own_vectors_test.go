package msgs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/msgs"
)

// TestOwnTypes compares the types of this project's own package with what ROS 2 Humble wrote
// (rclpy.serialization under rmw_cyclonedds_cpp), in the format of the other vectors.
func TestOwnTypes(t *testing.T) {
	files := readFolder(t, "testdata/own")
	checkVectors(t, files)
	for _, m := range newMessages() {
		name, ok := strings.CutPrefix(m.TypeName(), msgs.Package+"/")
		if ok && files[strings.ReplaceAll(name, "/", "__")+".json"] == nil {
			t.Errorf("no vectors of %s in testdata/own", m.TypeName())
		}
	}
}

// TestControlTypes compares the types of ros2_control and of KUKA's LBR with what ROS 2 Jazzy
// wrote, with controller_manager_msgs 4.x and lbr_fri_idl, in the same way.
func TestControlTypes(t *testing.T) { checkVectors(t, readFolder(t, "testdata/control")) }

// readFolder returns the JSON files of a folder, by name.
func readFolder(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d vectors in %s, error %v", len(paths), folder, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
