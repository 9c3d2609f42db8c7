package record

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// MetadataFile makes the folder of the rollouts one rosbag2 bag.
const MetadataFile = "metadata.yaml"

// bag knows what metadata.yaml is to say, so that a trial costs the same however many there are.
type bag struct {
	files   map[string]Entry // by path relative to the run
	changed bool             // since metadata.yaml was written
}

// open takes all recordings there are, and returns a note for each that cannot be part of the bag.
func (b *bag) open(f *Folder) (notes []string, err error) {
	entries, err := f.Index()
	if err != nil {
		return nil, err
	}
	b.files = make(map[string]Entry, len(entries))
	for _, e := range entries {
		if e.Err != nil {
			notes = append(notes, fmt.Sprintf("left out of the bag: %v", e.Err))
			continue
		}
		b.files[e.Path] = e
	}
	_, err = os.Lstat(f.Path(filepath.Join(RolloutsDir, MetadataFile))) // it may name what is gone
	b.changed = len(b.files) > 0 || err == nil
	return notes, nil
}

// add takes a recording that was just written; kept is the path that an earlier one of its name
// has now, "" for none.
func (b *bag) add(f *Folder, relPath, kept string) error {
	if kept != "" {
		relative, err := filepath.Rel(f.dir, kept)
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		if earlier, ok := b.files[relPath]; ok {
			earlier.Path, earlier.Kind = relative, Earlier
			b.files[relative] = earlier
		}
	}
	e := Entry{Path: relPath}
	if e.read(f); e.Err != nil {
		return e.Err
	}
	if b.files == nil {
		b.files = map[string]Entry{}
	}
	b.files[relPath], b.changed = e, true
	return nil
}

// Bagged returns those of a run's recordings that metadata.yaml makes one bag of, in the order of their
// time, and the text of the file. What is damaged is left out.
func Bagged(entries []Entry) (files []Entry, metadata []byte) {
	files = slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return e.Err != nil })
	files, topics := parts(files)
	var text bytes.Buffer
	w := bufio.NewWriter(&text)
	writeMetadata(w, files, topics)
	_ = w.Flush() // a buffer takes all
	return files, text.Bytes()
}

// parts returns the files of a bag in the order of their time, and its topics by name. A topic
// has one type in a bag: files that have it with another are left out. It changes the slice.
func parts(files []Entry) ([]Entry, []topicCount) {
	var topics []topicCount
	slices.SortFunc(files, func(a, b Entry) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Path, b.Path)) })
	index := map[string]int{}
	files = slices.DeleteFunc(files, func(e Entry) bool {
		if slices.ContainsFunc(e.topics, func(t topicCount) bool {
			i, known := index[t.name]
			return known && topics[i].kind != t.kind
		}) {
			return true
		}
		for _, t := range e.topics {
			i, known := index[t.name]
			if !known {
				i = len(topics)
				index[t.name] = i
				topics = append(topics, topicCount{t.name, t.kind, t.qos, 0})
			}
			topics[i].messages += t.messages
		}
		return false
	})
	slices.SortFunc(topics, func(a, b topicCount) int { return cmp.Compare(a.name, b.name) })
	return files, topics
}

// End returns the time of the latest message that is recorded, in ns; 0 for none.
func (r *Run) End() (end int64) {
	for _, e := range r.bag.files {
		end = max(end, e.Start.Add(e.Duration).UnixNano())
	}
	return end
}

// WriteMetadata writes rollouts/metadata.yaml if there are recordings that it does not know yet: in
// version 5, as rosbag2 of ROS 2 Humble writes it and later ones read it. AppendIteration and Close
// do it.
func (r *Run) WriteMetadata() error {
	if !r.bag.changed {
		return nil
	}
	files, topics := parts(slices.Collect(maps.Values(r.bag.files)))
	path := r.Path(filepath.Join(RolloutsDir, MetadataFile))
	err := writeAtomic(path, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<16)
		writeMetadata(w, files, topics)
		return w.Flush()
	})
	if err != nil {
		const each = 256 // bytes of a file's entries, about
		return DiskError(path, int64(each*(len(files)+len(topics))), err)
	}
	r.bag.changed = false
	return nil
}

// writeMetadata writes what metadata.yaml says; errors are w's to keep.
func writeMetadata(w *bufio.Writer, files []Entry, topics []topicCount) {
	start, end, messages := int64(0), int64(0), int64(0)
	for i, e := range files {
		from := e.Start.UnixNano()
		if i == 0 {
			start = from
		}
		end = max(end, from+int64(e.Duration))
		messages += e.Messages
	}
	fmt.Fprintf(w, "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: mcap\n")
	fmt.Fprintf(w, "  duration:\n    nanoseconds: %d\n  starting_time:\n    nanoseconds_since_epoch: %d\n  message_count: %d\n", end-start, start, messages)
	fmt.Fprintf(w, "  topics_with_message_count:\n")
	for _, t := range topics {
		fmt.Fprintf(w, "    - topic_metadata:\n        name: %s\n        type: %s\n        serialization_format: cdr\n        offered_qos_profiles: %s\n      message_count: %d\n",
			t.name, t.kind, strconv.Quote(t.qos), t.messages)
	}
	fmt.Fprintf(w, "  compression_format: \"\"\n  compression_mode: \"\"\n  relative_file_paths:\n")
	for _, e := range files {
		fmt.Fprintf(w, "    - %s\n", inBag(e.Path))
	}
	fmt.Fprintf(w, "  files:\n")
	for _, e := range files {
		fmt.Fprintf(w, "    - path: %s\n      starting_time:\n        nanoseconds_since_epoch: %d\n      duration:\n        nanoseconds: %d\n      message_count: %d\n",
			inBag(e.Path), e.Start.UnixNano(), int64(e.Duration), e.Messages)
	}
}

// inBag returns a path in the run as one in the bag.
func inBag(path string) string { return filepath.ToSlash(path[len(RolloutsDir)+1:]) }
