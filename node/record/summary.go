package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/foxglove/mcap/go/mcap"
)

// summary is what the end of a recording says of it.
type summary struct {
	messages   int64
	start, end int64 // receive times in ns
	topics     []topicCount
	bytes      int64
}

// topicCount is a topic of a recording, with its messages.
type topicCount struct {
	name, kind, qos string
	messages        int64
}

const (
	footerSize = recordHeader + 8 + 8 + 4
	// summaryGuess is how much of the end of a file is read at once; the schemas' text takes most.
	summaryGuess = 1 << 14
	// maxSummary bounds what is read of the end of a file, in bytes.
	maxSummary = 1 << 26
)

// readSummary reads the end of a recording: neither its messages nor their checksums. What is not
// whole, or says nothing of its messages, is an ErrDamaged.
func readSummary(path string) (*summary, error) {
	f, err := OpenFile(path, maxRecording)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s: %v, want a file", ErrDamaged, path, info.Mode())
	}
	s, err := parseEnd(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	s.bytes = info.Size()
	return s, nil
}

// parseEnd reads the summary of a file of a size.
func parseEnd(f io.ReaderAt, size int64) (*summary, error) {
	tail := make([]byte, min(size, summaryGuess))
	from := size - int64(len(tail))
	if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	least := footerSize + len(mcap.Magic)
	if len(tail) < least || !bytes.HasSuffix(tail, mcap.Magic) {
		return nil, fmt.Errorf("at byte %d: end of the file without the 8 bytes that end an MCAP file: cut off", size)
	}
	at := size - int64(least)
	op, body, err := next(tail, len(tail)-least)
	if err != nil || op != mcap.OpFooter || len(body) != footerSize-recordHeader {
		return nil, fmt.Errorf("at byte %d: no footer", at)
	}
	footer, err := mcap.ParseFooter(body)
	if err != nil {
		return nil, fmt.Errorf("at byte %d: footer: %w", at, err)
	}
	switch start := footer.SummaryStart; {
	case start == 0:
		return nil, fmt.Errorf("at byte %d: footer of a file without a summary", at)
	case start > uint64(at) || uint64(at)-start > maxSummary:
		return nil, fmt.Errorf("at byte %d: footer: the summary is said to start at byte %d", at, start)
	case int64(start) < from:
		tail = make([]byte, size-int64(start))
		from = int64(start)
		if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	first, last := int(int64(footer.SummaryStart)-from), int(at-from)
	if err := checksum("summary", footer.SummaryCRC, tail[first:last+recordHeader+16]); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", footer.SummaryStart, err)
	}
	return parseSummary(tail[:last], first, from)
}

// parseSummary reads the records of a summary, which begin at a place in data, whose first byte is
// that of a place in the file.
func parseSummary(data []byte, pos int, from int64) (*summary, error) {
	schemas, channels := map[uint16]string{}, []*mcap.Channel{}
	var statistics *mcap.Statistics
	for pos < len(data) {
		op, body, err := next(data, pos)
		if err == nil {
			switch op {
			case mcap.OpSchema:
				var s *mcap.Schema
				if s, err = mcap.ParseSchema(body); err == nil {
					schemas[s.ID] = s.Name
				}
			case mcap.OpChannel:
				var c *mcap.Channel
				if c, err = mcap.ParseChannel(body); err == nil {
					channels = append(channels, c)
				}
			case mcap.OpStatistics:
				statistics, err = mcap.ParseStatistics(body)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("at byte %d: summary: %w", from+int64(pos), err)
		}
		pos += recordHeader + len(body)
	}
	if statistics == nil {
		return nil, fmt.Errorf("at byte %d: summary without statistics", from)
	}
	s := &summary{messages: int64(statistics.MessageCount), start: int64(statistics.MessageStartTime), end: int64(statistics.MessageEndTime)}
	for _, c := range channels {
		s.topics = append(s.topics, topicCount{c.Topic, schemas[c.SchemaID], c.Metadata[qosMetadata], int64(statistics.ChannelMessageCounts[c.ID])})
	}
	return s, nil
}
