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
	paths, err := filepath.Glob("testdata/own/*.json")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	checkVectors(t, files)
	for _, m := range newMessages() {
		name, ok := strings.CutPrefix(m.TypeName(), msgs.Package+"/")
		if ok && files[strings.ReplaceAll(name, "/", "__")+".json"] == nil {
			t.Errorf("no vectors of %s in testdata/own", m.TypeName())
		}
	}
}
