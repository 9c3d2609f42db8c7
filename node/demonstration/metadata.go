package demonstration

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

const (
	metadataFile    = "metadata.yaml"
	sqliteExtension = ".db3"
	// maxMetadata bounds what is read of metadata.yaml, in bytes; maxFiles the files of a bag.
	maxMetadata = 1 << 22
	maxFiles    = 10_000
)

// metadata is what matters of metadata.yaml, as rosbag2 writes it.
type metadata struct {
	Information *struct {
		Storage           string   `yaml:"storage_identifier"`
		Files             []string `yaml:"relative_file_paths"`
		CompressionFormat string   `yaml:"compression_format"`
		CompressionMode   string   `yaml:"compression_mode"`
	} `yaml:"rosbag2_bagfile_information"`
}

// sqlite returns the error of a bag in a format that is not read.
func sqlite(path string) error {
	return fmt.Errorf("%w: %s: it is stored by sqlite3, only mcap is read: convert it with `ros2 bag convert -i %s -o mcap.yaml`, where mcap.yaml holds `output_bags: [{uri: converted, storage_id: mcap, all: true}]`, and name the folder converted",
		ErrBag, path, path)
}

// bagFiles returns the paths of a bag's files, in their order.
func bagFiles(dir string) ([]string, error) {
	path := filepath.Join(dir, metadataFile)
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrBag, path, fmt.Sprintf(format, args...))
	}
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is a folder without %s, which a bag has: `ros2 bag reindex %s` makes it, or name a file", ErrBag, dir, metadataFile, dir)
	} else if err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, bad("no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMetadata+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxMetadata {
		return nil, bad("more than %d bytes", maxMetadata)
	}
	var m metadata
	if err := yaml.Unmarshal(text, &m); err != nil {
		return nil, bad("%v", err)
	}
	i := m.Information
	switch {
	case i == nil:
		return nil, bad("there is no rosbag2_bagfile_information, which a bag has")
	case i.Storage == "sqlite3":
		return nil, sqlite(dir)
	case i.Storage != "mcap":
		return nil, bad("storage_identifier is %q, need mcap", i.Storage)
	case i.CompressionFormat != "":
		return nil, bad("the bag is compressed by rosbag2 (compression_format %s, compression_mode %s), which is not read: convert it with `ros2 bag convert`, or record with `--storage-preset-profile zstd_fast`, which compresses inside MCAP files",
			i.CompressionFormat, i.CompressionMode)
	case len(i.Files) == 0 || len(i.Files) > maxFiles:
		return nil, bad("relative_file_paths has %d entries, need 1 to %d", len(i.Files), maxFiles)
	}
	files := make([]string, len(i.Files))
	for n, name := range i.Files {
		if !filepath.IsLocal(name) {
			return nil, bad("relative_file_paths has %q, need a path inside of the bag's folder", name)
		}
		files[n] = filepath.Join(dir, name)
	}
	return files, nil
}
