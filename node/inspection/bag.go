package inspection

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/node/bag"
	"guidedpolicysearch/node/record"
)

// Bag is a rosbag2 bag, or one of its MCAP files.
type Bag struct {
	Files    int     `json:"files"`
	Messages int64   `json:"messages"`
	Start    int64   `json:"start_ns"` // since the epoch
	Duration float64 `json:"duration_s"`
	Topics   []Topic `json:"topics"`
	// Profile is that of an MCAP file, "ros2" for ROS 2.
	Profile string `json:"profile,omitempty"`
	// Lost is how many bytes of an MCAP file cannot be read.
	Lost int64 `json:"lost_bytes"`
}

// Topic is a topic of a bag.
type Topic struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Messages int64  `json:"messages"`
	// Rate is in Hz over the bag's duration; nil for one of no length.
	Rate *float64 `json:"rate_hz"`
}

// rates fills in the rates and sorts the topics.
func (b *Bag) rates() {
	for i := range b.Topics {
		if b.Duration > 0 {
			rate := float64(b.Topics[i].Messages) / b.Duration
			b.Topics[i].Rate = &rate
		}
	}
	slices.SortFunc(b.Topics, func(x, y Topic) int { return cmp.Compare(x.Name, y.Name) })
}

// openMCAP reads an MCAP file, as far as it is whole.
func (r *Report) openMCAP() error {
	b := &Bag{Files: 1, Topics: []Topic{}}
	schemas, channels := map[uint16]string{}, map[uint16]int{}
	first, last := uint64(0), uint64(0)
	loss, err := bag.Salvage(r.Path, func(op mcap.OpCode, _ int64, body []byte) error {
		switch op {
		case mcap.OpSchema:
			s, err := mcap.ParseSchema(body)
			if err != nil {
				return err
			}
			schemas[s.ID] = s.Name
		case mcap.OpChannel:
			c, err := mcap.ParseChannel(body)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(b.Topics, func(t Topic) bool { return t.Name == c.Topic && t.Type == schemas[c.SchemaID] })
			if i < 0 {
				i = len(b.Topics)
				b.Topics = append(b.Topics, Topic{Name: c.Topic, Type: schemas[c.SchemaID]})
			}
			channels[c.ID] = i
		case mcap.OpMessage:
			m, err := mcap.ParseMessage(body)
			if err != nil {
				return err
			}
			i, ok := channels[m.ChannelID]
			if !ok {
				return fmt.Errorf("message of channel %d, of which there is none", m.ChannelID)
			}
			b.Topics[i].Messages++
			if b.Messages == 0 || m.LogTime < first {
				first = m.LogTime
			}
			last = max(last, m.LogTime)
			b.Messages++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if b.Messages > 0 {
		b.Start, b.Duration = int64(first), float64(last-first)*1e-9
	}
	b.rates()
	if b.Lost = loss.Lost; loss.Cause != nil {
		r.damaged("%v: %d of %d bytes cannot be read, %d messages before can", loss.Cause, loss.Lost, loss.Size, b.Messages)
	} else if err := checkSummary(r.Path); err != nil {
		r.damaged("%v", err)
	}
	r.Bag = b
	return nil
}

// maxMissing bounds how many files are named that a bag lacks.
const maxMissing = 20

// openBagFolder describes a bag by its metadata, and looks at the beginning and the end of each file.
func (r *Report) openBagFolder() error {
	path := filepath.Join(r.Path, record.MetadataFile)
	i, err := readMetadata(path)
	if err != nil {
		return err
	}
	b := &Bag{Files: len(i.Files), Messages: i.Messages, Start: i.Start.Nanoseconds, Duration: float64(i.Duration.Nanoseconds) * 1e-9, Topics: []Topic{}}
	for _, t := range i.Topics {
		b.Topics = append(b.Topics, Topic{Name: t.Metadata.Name, Type: t.Metadata.Type, Messages: t.Messages})
	}
	b.rates()
	r.Bag = b
	wrong := 0
	for _, name := range i.Files {
		problem := ""
		size, err := int64(0), error(nil)
		if !filepath.IsLocal(name) {
			problem = fmt.Sprintf("%s names %q, which is not inside of the bag's folder", path, name)
		} else if size, err = ends(filepath.Join(r.Path, name), i.Storage == "mcap"); err != nil {
			problem = err.Error()
		}
		r.Bytes += size
		if problem == "" {
			continue
		}
		if wrong++; wrong <= maxMissing {
			r.damaged("%s", problem)
		}
	}
	if wrong > maxMissing {
		r.damaged("and %d more files", wrong-maxMissing)
	}
	return nil
}

// ends checks that a file is there and, if it is to be MCAP, begins and ends as such. It returns the
// size.
func ends(path string, isMCAP bool) (size int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s is missing, which the bag's metadata.yaml names", path)
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !isMCAP {
		return 0, err
	}
	n := int64(len(mcap.Magic))
	first, last := make([]byte, n), make([]byte, n)
	_, err = f.ReadAt(first, 0)
	if _, err2 := f.ReadAt(last, max(0, info.Size()-n)); err != nil || err2 != nil || !bytes.Equal(first, mcap.Magic) {
		return info.Size(), fmt.Errorf("%s: at byte 0: it does not begin as an MCAP file does", path)
	}
	if !bytes.Equal(last, mcap.Magic) || info.Size() < 2*n {
		return info.Size(), fmt.Errorf("%s: at byte %d: cut off: no MCAP file ends like that; `gps inspect` of that file says what is left of it", path, info.Size())
	}
	return info.Size(), nil
}
