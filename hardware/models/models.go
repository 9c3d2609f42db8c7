// Package models holds the project's own models of robots and tasks, as URDF (.urdf) and as
// MJCF for MuJoCo (.xml), and finds the files of others:
//
//   - arm7: an arm of seven joints, and the mark that it reaches for
//   - peg_insertion: the same arm with a peg in its hand, and a block with a hole
//   - planar_pusher: an arm of three joints in a horizontal plane, and a disc to push
package models

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNotFound marks a URI that leads to no model.
var ErrNotFound = errors.New("models: not found")

const (
	scheme = "package://"
	// own is what begins the URI of a model that is in this package.
	own = scheme + "guided_policy_search/models/"
	// maxSize bounds what Read returns, in bytes.
	maxSize = 64 << 20
)

//go:embed *.xml *.urdf
var embedded embed.FS

// Names returns the names of the models in this package, sorted, such as arm7.xml.
func Names() []string {
	entries, _ := embedded.ReadDir(".") // of an embedded folder: no error
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// URI returns the URI of a model in this package.
func URI(name string) string { return own + name }

// Open returns the folder and the name in it that a URI or path stands for, so that files
// next to the model can be read too:
//
//   - package://guided_policy_search/models/NAME: in this package
//   - package://PACKAGE/PATH: in share/PACKAGE of the ROS 2 installation that is sourced, the
//     first of AMENT_PREFIX_PATH that has the file
//   - file:///PATH, and anything else: in the file system
//
// An error wraps ErrNotFound and says where it was looked for.
func Open(uri string) (folder fs.FS, name string, err error) {
	if name, ok := strings.CutPrefix(uri, own); ok {
		if !slices.Contains(Names(), name) {
			return nil, "", fmt.Errorf("%w: %s: there are %s", ErrNotFound, uri, strings.Join(Names(), ", "))
		}
		return embedded, name, nil
	}
	file := uri
	switch {
	case strings.HasPrefix(uri, scheme):
		if file, err = inPackage(uri); err != nil {
			return nil, "", err
		}
	case strings.HasPrefix(uri, "file://"):
		u, err := url.Parse(uri)
		if err != nil || u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return nil, "", fmt.Errorf("%w: %s: want file:// and an absolute path, such as file:///home/me/robot.urdf", ErrNotFound, uri)
		}
		file = u.Path
	case strings.Contains(uri, "://"):
		return nil, "", fmt.Errorf("%w: %s: want package://, file:// or a path", ErrNotFound, uri)
	}
	switch info, err := os.Stat(file); {
	case err != nil:
		return nil, "", fmt.Errorf("%w: %s: %w", ErrNotFound, uri, err)
	case !info.Mode().IsRegular():
		return nil, "", fmt.Errorf("%w: %s: %s is not a file", ErrNotFound, uri, file)
	}
	return os.DirFS(filepath.Dir(file)), filepath.Base(file), nil
}

// Read returns the content of the file that a URI or path stands for, as Open finds it, of at
// most 64 MiB.
func Read(uri string) ([]byte, error) {
	folder, name, err := Open(uri)
	if err != nil {
		return nil, err
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNotFound, uri, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("models: read %s: %w", uri, err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("models: %s has more than %d bytes", uri, maxSize)
	}
	return data, nil
}

// inPackage returns the path of a file in the share folder of a ROS package.
func inPackage(uri string) (string, error) {
	pkg, file, _ := strings.Cut(strings.TrimPrefix(uri, scheme), "/")
	if pkg == "" || file == "" || !fs.ValidPath(pkg) || !fs.ValidPath(file) {
		return "", fmt.Errorf("%w: %s: want package://PACKAGE/PATH, without . or .. in the path", ErrNotFound, uri)
	}
	prefixes := filepath.SplitList(os.Getenv("AMENT_PREFIX_PATH"))
	if len(prefixes) == 0 {
		return "", fmt.Errorf("%w: %s: AMENT_PREFIX_PATH is empty: source the ROS 2 installation that has the package %s", ErrNotFound, uri, pkg)
	}
	for _, prefix := range prefixes {
		candidate := filepath.Join(prefix, filepath.FromSlash(path.Join("share", pkg, file)))
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("%w: %s: no folder of AMENT_PREFIX_PATH (%s) has share/%s/%s", ErrNotFound, uri, strings.Join(prefixes, ", "), pkg, file)
}
