package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build makes the programs that are measured, in a folder of its own.
type Build struct {
	Root string // the repository
	Dir  string // where the programs go
}

// NewBuild makes the folder for a repository's programs. Remove it in the end.
func NewBuild(root string) (*Build, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench")
	return &Build{Root: root, Dir: dir}, err
}

// Remove removes the folder.
func (b *Build) Remove() error { return os.RemoveAll(b.Dir) }

// Path is where a program goes.
func (b *Build) Path(program string) string { return filepath.Join(b.Dir, program) }

// C builds a program of C from sources and flags; paths begin at the repository.
func (b *Build) C(ctx context.Context, program string, args ...string) error {
	return b.compiled(b.Command(ctx, append([]string{cmp.Or(os.Getenv("CC"), "cc"), "-O2", "-o", b.Path(program)}, args...)...))
}

// Go builds a program of this module.
func (b *Build) Go(ctx context.Context, program, path string) error {
	return b.compiled(b.Command(ctx, "go", "build", "-o", b.Path(program), path))
}

func (b *Build) compiled(err error) error {
	if err != nil {
		err = fmt.Errorf("%w; `make deps` installs what the build needs", err)
	}
	return err
}

// Command runs a command in the repository. Its output is in the error.
func (b *Build) Command(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = b.Root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	return nil
}
