package vectors

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"testing/fstest"
)

// packed is the compressed copy: gps/*.json and donk/*.json.
//
//go:embed testdata/vectors.tar.gz
var packed []byte

// source is one place that holds vectors.
type source struct {
	name  string
	files fs.FS
	flat  bool // the JSON files lie in the folder itself
}

// sources lists the places in their order of precedence; at least one.
func sources() ([]source, error) {
	var list []source
	if dir := os.Getenv("GPS_VECTORS_DIR"); dir != "" {
		if !filepath.IsAbs(dir) {
			root, err := moduleRoot()
			if err != nil {
				return nil, err
			}
			dir = filepath.Join(root, dir)
		}
		s, err := dirSource(dir)
		if err != nil {
			return nil, fmt.Errorf("vectors: GPS_VECTORS_DIR: %w", err)
		}
		list = append(list, s)
	}
	if root, err := moduleRoot(); err == nil {
		if s, err := dirSource(filepath.Join(root, "..", "shared", "vectors")); err == nil {
			list = append(list, s)
		}
	}
	s, err := unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("vectors: compressed copy: %w", err)
	}
	return append(list, s), nil
}

// dirSource opens a folder; it must hold gps/, donk/ or JSON files.
func dirSource(dir string) (source, error) {
	s := source{name: dir, files: os.DirFS(dir)}
	for _, sub := range []string{"gps", "donk"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err == nil && info.IsDir() {
			return s, nil
		}
	}
	s.flat = true
	names, err := fs.Glob(s.files, "*.json")
	if err != nil {
		return source{}, err
	}
	if len(names) == 0 {
		return source{}, fmt.Errorf("%s: want a folder with gps/ and donk/, or with JSON files", dir)
	}
	return s, nil
}

// path returns where the source keeps a file of one set.
func (s source) path(set, file string) string {
	if s.flat {
		return file
	}
	return path.Join(set, file)
}

// gpsFiles returns the JSON files that may be gps cases, sorted.
func (s source) gpsFiles() ([]string, error) {
	names, err := fs.Glob(s.files, s.path("gps", "*.json"))
	sort.Strings(names)
	return names, err
}

// moduleRoot walks up from the working folder to the one with go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("vectors: no go.mod above the working folder")
		}
		dir = up
	}
}

// unpack reads a gzipped tar into memory.
func unpack(data []byte) (source, error) {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return source{}, err
	}
	files := fstest.MapFS{}
	for tr := tar.NewReader(zr); ; {
		head, err := tr.Next()
		if err == io.EOF {
			return source{name: "the compressed copy", files: files}, nil
		}
		if err != nil {
			return source{}, err
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			return source{}, err
		}
		files[head.Name] = &fstest.MapFile{Data: content}
	}
}
