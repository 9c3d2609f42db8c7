// Command pack rebuilds the compressed copy of the reference vectors from
// ../shared/vectors (or the folder given as argument). Run it in the root of the
// repository: go run ./internal/vectors/pack
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

const (
	target  = "internal/vectors/testdata/vectors.tar.gz"
	maxSize = 3_000_000 // bytes of the copy
	// maxCase leaves the cases of the large system out: they alone would fill the copy.
	maxCase = 200_000
)

func main() {
	dir := filepath.Join("..", "shared", "vectors")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := pack(dir); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(dir string) error {
	var names []string
	kinds, kept := map[string]bool{}, map[string]bool{}
	gps, err := filepath.Glob(filepath.Join(dir, "gps", "*.json"))
	if err != nil {
		return err
	}
	for _, name := range gps {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var head struct{ Kind string }
		if err := json.Unmarshal(data, &head); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if head.Kind == "" {
			continue
		}
		kinds[head.Kind] = true
		if len(data) <= maxCase && !bytes.Contains(data, []byte(`"$file"`)) {
			kept[head.Kind] = true
			names = append(names, name)
		}
	}
	if len(kinds) == 0 || len(kept) < len(kinds) {
		return fmt.Errorf("%s: %d of %d kinds have a case of at most %d bytes, want all", dir, len(kept), len(kinds), maxCase)
	}
	donk, err := filepath.Glob(filepath.Join(dir, "donk", "*.json"))
	if err != nil {
		return err
	}
	names = append(names, donk...)
	sort.Strings(names)
	return write(dir, names)
}

// write stores the files without dates or owners: the same files give the same bytes.
func write(dir string, names []string) error {
	var out bytes.Buffer
	zw, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		if _, err := tw.Write(data); err != nil {
			return err
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return err
	}
	if out.Len() > maxSize {
		return fmt.Errorf("the copy would take %d bytes, at most %d are allowed", out.Len(), maxSize)
	}
	fmt.Printf("%s: %d files, %d bytes\n", target, len(names), out.Len())
	return os.WriteFile(target, out.Bytes(), 0o644)
}
