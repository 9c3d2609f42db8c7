//go:build !cgo || nomujoco

package rigidbody

import "testing"

func TestAgainstMuJoCo(t *testing.T) {
	t.Skip("this build has no MuJoCo: it needs cgo, libmujoco-dev, and no tag nomujoco")
}
