package e2e

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"guidedpolicysearch/node/transport/dds/ddstest"
)

const (
	sigint = syscall.SIGINT
	nobody = 65534
)

func ddsDomain(t *testing.T) uint32 {
	t.Helper()
	return ddstest.Domain(t)
}

// asOrdinaryUser makes a command run as nobody if the test runs as root, who may write
// everywhere.
func asOrdinaryUser(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}
