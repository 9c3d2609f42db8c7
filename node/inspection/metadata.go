package inspection

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"guidedpolicysearch/node/record"
)

// maxMetadata bounds metadata.yaml, in bytes.
const maxMetadata = 1 << 26

// metadata is what matters of metadata.yaml (rosbag2, version 5 and later).
type metadata struct {
	Storage  string          `yaml:"storage_identifier"`
	Duration nanoseconds     `yaml:"duration"`
	Start    sinceEpoch      `yaml:"starting_time"`
	Messages int64           `yaml:"message_count"`
	Topics   []metadataTopic `yaml:"topics_with_message_count"`
	Files    []string        `yaml:"relative_file_paths"`
	Parts    []metadataPart  `yaml:"files"`
}

type nanoseconds struct {
	Nanoseconds int64 `yaml:"nanoseconds"`
}

type sinceEpoch struct {
	Nanoseconds int64 `yaml:"nanoseconds_since_epoch"`
}

type metadataTopic struct {
	Metadata struct {
		Name string `yaml:"name"`
		Type string `yaml:"type"`
	} `yaml:"topic_metadata"`
	Messages int64 `yaml:"message_count"`
}

// metadataPart is what the metadata say of one file.
type metadataPart struct {
	Path     string      `yaml:"path"`
	Start    sinceEpoch  `yaml:"starting_time"`
	Duration nanoseconds `yaml:"duration"`
	Messages int64       `yaml:"message_count"`
}

// readMetadata reads a bag's metadata.yaml. What it holds otherwise is an ErrDamaged or an ErrForeign.
func readMetadata(path string) (*metadata, error) {
	text, err := record.ReadFile(path, maxMetadata)
	if errors.Is(err, record.ErrDamaged) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	return parseMetadata(path, text)
}

func parseMetadata(path string, text []byte) (*metadata, error) {
	var m struct {
		Information *metadata `yaml:"rosbag2_bagfile_information"`
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	if m.Information == nil {
		return nil, fmt.Errorf("%w: %s has no rosbag2_bagfile_information, which a bag has", ErrForeign, path)
	}
	return m.Information, nil
}

// writtenAnew is what to do about the metadata of a run.
const writtenAnew = "it is written anew when the run is gone on with (--resume), or motions are imported into it"

// checkMetadata compares what a run's metadata.yaml says of its recordings with their ends. written tells
// that a process may write the run: then metadata are of the latest iteration but one, or later.
func (r *Report) checkMetadata(folder *record.Folder, entries []record.Entry, written bool) {
	path := folder.Path(filepath.Join(record.RolloutsDir, record.MetadataFile))
	problem := func(format string, args ...any) {
		r.damaged("%s: %s; %s", path, fmt.Sprintf(format, args...), writtenAnew)
	}
	all, whole := record.Bagged(entries)
	// settled are recordings that the metadata must know: they are written anew after each iteration.
	settled := slices.DeleteFunc(slices.Clone(all), func(e record.Entry) bool {
		if written {
			return e.Iteration == 0 || int(e.Iteration) >= r.Run.Iterations
		}
		return int(e.Iteration) > r.Run.Iterations
	})
	text, err := record.ReadFile(path, maxMetadata)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if len(settled) > 0 {
			problem("is missing, and makes the %d recordings one bag", len(all))
		}
		return
	case err != nil:
		r.damaged("%v; %s", err, writtenAnew)
		return
	case bytes.Equal(text, whole):
		return // as the run writes it
	}
	if _, done := record.Bagged(settled); bytes.Equal(text, done) {
		return
	}
	m, err := parseMetadata(path, text)
	if err != nil {
		r.damaged("%v; %s", err, writtenAnew)
		return
	}
	named := make(map[string]bool, len(m.Files))
	known := make(map[string]record.Entry, len(entries))
	for _, e := range entries {
		known[filepath.ToSlash(e.Path)] = e
	}
	var bagged []record.Entry
	missing, others := []string{}, written // with others sums are not those of the recordings
	for _, name := range m.Files {
		inRun := record.RolloutsDir + "/" + name
		if named[inRun] || !filepath.IsLocal(name) {
			problem("names %q, which is named already, or not inside of the bag's folder", name)
			others = true
			continue
		}
		named[inRun] = true
		e, ok := known[inRun]
		if ok && e.Err == nil {
			bagged = append(bagged, e)
			continue
		}
		others = true
		if _, err := os.Stat(folder.Path(inRun)); !ok && errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		problem("names %d recordings that are missing, the first is %s", len(missing), missing[0])
	}
	settled = slices.DeleteFunc(settled, func(e record.Entry) bool { return named[filepath.ToSlash(e.Path)] })
	if len(settled) > 0 {
		problem("does not name %d recordings that are there, the first is %s", len(settled), settled[0].Path)
	}
	if others {
		return
	}
	_, want := record.Bagged(bagged)
	if w, err := parseMetadata(path, want); err == nil {
		if difference := m.differs(w); difference != "" {
			problem("%s", difference)
		}
	}
}

// differs tells the first place where the metadata say something else than those of the recordings that
// they name, "" for none.
func (m *metadata) differs(want *metadata) string {
	if m.Storage != want.Storage {
		return fmt.Sprintf("says that recordings are stored as %q, expected %q", m.Storage, want.Storage)
	}
	parts := make(map[string]metadataPart, len(want.Parts))
	for _, p := range want.Parts {
		parts[p.Path] = p
	}
	for _, p := range m.Parts {
		w, ok := parts[p.Path]
		switch {
		case !ok:
			return fmt.Sprintf("has %s among its files, and not among their paths", p.Path)
		case p != w:
			return fmt.Sprintf("says that %s holds %d messages from %d ns on, in %d ns; the recording has %d from %d ns on, in %d ns",
				p.Path, p.Messages, p.Start.Nanoseconds, p.Duration.Nanoseconds, w.Messages, w.Start.Nanoseconds, w.Duration.Nanoseconds)
		}
	}
	topics := make(map[metadataTopic]bool, len(want.Topics))
	for _, t := range want.Topics {
		topics[t] = true
	}
	for _, t := range m.Topics {
		if !topics[t] {
			return fmt.Sprintf("says that %s has %d messages of %s, and the recordings have not", t.Metadata.Name, t.Messages, t.Metadata.Type)
		}
	}
	if m.Messages != want.Messages || m.Start != want.Start || m.Duration != want.Duration || len(m.Topics) != len(want.Topics) {
		return fmt.Sprintf("says that there are %d messages of %d topics from %d ns on, in %d ns; the recordings have %d of %d from %d ns on, in %d ns",
			m.Messages, len(m.Topics), m.Start.Nanoseconds, m.Duration.Nanoseconds, want.Messages, len(want.Topics), want.Start.Nanoseconds, want.Duration.Nanoseconds)
	}
	return ""
}
