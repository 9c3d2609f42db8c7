//go:build !cgo || nomujoco

package rigidbody

import "testing"

func TestAgainstMuJoCo(t *testing.T) {
	t.Skip("needs a build with MuJoCo: cgo, libmujoco-dev, and no tag nomujoco")
}
