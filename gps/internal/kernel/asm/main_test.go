package main

import (
	"bytes"
	"os"
	"testing"
)

// The files in the repository are those that this module writes.
func TestGeneratedFilesAreFresh(t *testing.T) {
	assembly, declarations, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []struct {
		path string
		want []byte
	}{{"../kernel_amd64.s", assembly}, {"../stubs_amd64.go", declarations}} {
		got, err := os.ReadFile(file.path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, file.want) {
			t.Errorf("%s is not what the generator writes: run go generate in gps/internal/kernel", file.path)
		}
	}
}
