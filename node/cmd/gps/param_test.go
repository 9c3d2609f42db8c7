package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestParamCommands(t *testing.T) {
	for _, name := range []string{"list", "get", "set", "describe", "dump", "load", "delete"} {
		var out bytes.Buffer
		param := paramCommand()
		param.SetOut(&out)
		param.SetArgs([]string{name, "--no-daemon", "-h", "/gps"})
		if err := param.ExecuteContext(context.Background()); err != nil || !strings.Contains(out.String(), "gps param "+name) {
			t.Errorf("%s -h: %v\n%s", name, err, out.String())
		}
		param = paramCommand()
		param.SilenceErrors, param.SilenceUsage = true, true
		param.SetArgs([]string{name, "/gps", "--nonsense"})
		var status exitStatus
		if err := param.ExecuteContext(context.Background()); !errors.As(err, &status) || status.status != 2 {
			t.Errorf("%s --nonsense: %v", name, err)
		}
	}
}
