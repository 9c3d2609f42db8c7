package bag

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"

	"github.com/foxglove/mcap/go/mcap"
)

const (
	recordHeader = 1 + 8 // opcode, length
	// maxRecord bounds a record, and maxChunk what a chunk holds uncompressed, in bytes: rosbag2 makes
	// chunks of less than a megabyte unless told otherwise.
	maxRecord = 1 << 28
	maxChunk  = 1 << 28
)

// Walk visits what is in an MCAP file, those in chunks included. A file that is not whole is an
// ErrDamaged, once what is before that place has been visited; errors of visit come back wrapped. Both
// name the file and the byte.
func Walk(path string, visit Visitor) error {
	_, err := walk(path, visit, false)
	return err
}

// Salvage is Walk for a file that may have been cut off or have changed: it visits what is whole,
// messages of a chunk that was cut off included, and says what is lost. A chunk whose checksum is wrong
// is lost as a whole. Errors are those of visit and of the file system, and an ErrDamaged for what
// does not begin as an MCAP file does.
func Salvage(path string, visit Visitor) (Loss, error) { return walk(path, visit, true) }

func walk(path string, visit Visitor, salvage bool) (Loss, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Loss{}, err
	}
	if !info.Mode().IsRegular() {
		return Loss{}, fmt.Errorf("%s is no regular file", path) // a pipe might never end
	}
	f, err := os.Open(path)
	if err != nil {
		return Loss{}, err
	}
	defer f.Close()
	sum := crc32.NewIEEE()
	w := walker{r: io.TeeReader(bufio.NewReaderSize(f, 1<<16), sum), sum: sum, size: info.Size(), visit: visit, salvage: salvage}
	defer w.opener.close()
	if err := w.run(); err != nil {
		return Loss{}, fmt.Errorf("%s: %w", path, err)
	}
	w.loss.Size = w.size
	if w.loss.Cause != nil {
		w.loss.Cause = fmt.Errorf("%s: %w", path, w.loss.Cause)
	}
	return w.loss, nil
}

// walker walks through one file.
type walker struct {
	r        io.Reader
	sum      hash.Hash32 // of what was read
	at, size int64
	visit    Visitor
	salvage  bool
	opener   opener
	body     []byte
	loss     Loss
	began    bool // the data that follow belong to an MCAP file
}

// damaged returns an ErrDamaged at a byte, or, where what is whole is to be read, notes the loss of
// some bytes and returns nil.
func (w *walker) damaged(at, lost int64, err error) error {
	err = fmt.Errorf("%w: at byte %d: %w", ErrDamaged, at, err)
	if !w.salvage || !w.began {
		return err
	}
	if w.loss.Cause == nil {
		w.loss.Cause = err
	}
	w.loss.Lost += lost
	return nil
}

// rest loses what is left of the file.
func (w *walker) rest(err error) error { return w.damaged(w.at, w.size-w.at, err) }

// run visits the records.
func (w *walker) run() error {
	if err := w.magic("it does not begin as an MCAP file does"); err != nil {
		return w.rest(err)
	}
	w.began = true
	head := make([]byte, recordHeader)
	for whole := false; ; {
		sum := w.sum.Sum32()
		if w.size-w.at < recordHeader {
			return w.rest(errCut)
		}
		if _, err := io.ReadFull(w.r, head); err != nil {
			return err
		}
		op, length := mcap.OpCode(head[0]), binary.LittleEndian.Uint64(head[1:])
		left := w.size - w.at - recordHeader
		switch {
		case length > uint64(left):
			return w.cut(op, length, left)
		case op == mcap.OpReserved:
			return w.rest(fmt.Errorf("a record of kind 0"))
		case op == mcap.OpDataEnd:
			if err := w.dataEnd(int(min(length, 64)), sum); err != nil {
				return err
			}
			if _, err := io.CopyN(io.Discard, w.r, int64(length-min(length, 64))); err != nil {
				return err
			}
		case op != mcap.OpChunk && op != mcap.OpSchema && op != mcap.OpChannel && op != mcap.OpMessage:
			if _, err := io.CopyN(io.Discard, w.r, int64(length)); err != nil {
				return err
			}
		case length > maxRecord:
			return w.rest(fmt.Errorf("a %v record of %d bytes, need at most %d", op, length, maxRecord))
		case whole: // schemas and channels again, for who reads by the index
			if _, err := io.CopyN(io.Discard, w.r, int64(length)); err != nil {
				return err
			}
			if op != mcap.OpSchema && op != mcap.OpChannel {
				return w.rest(fmt.Errorf("a %v record after the end of the data", op))
			}
		default:
			if err := w.record(op, int(length)); err != nil {
				return err
			}
		}
		w.at += recordHeader + int64(length)
		whole = whole || op == mcap.OpDataEnd
		if op == mcap.OpFooter {
			return w.end(whole)
		}
	}
}

// magic reads the bytes that an MCAP file begins and ends with.
func (w *walker) magic(missing string) error {
	found := make([]byte, len(mcap.Magic))
	if _, err := io.ReadFull(w.r, found); err != nil || !bytes.Equal(found, mcap.Magic) {
		return fmt.Errorf("%s", missing)
	}
	w.at += int64(len(found))
	return nil
}

// dataEnd checks the checksum of all data, if there is one.
func (w *walker) dataEnd(length int, sum uint32) error {
	body, err := w.read(length)
	if err != nil {
		return err
	}
	end, err := mcap.ParseDataEnd(body)
	if err == nil && end.DataSectionCRC != 0 && end.DataSectionCRC != sum {
		err = fmt.Errorf("data checksum %08x, need %08x: bytes have changed", sum, end.DataSectionCRC)
	}
	if err != nil {
		return w.damaged(w.at, 0, err)
	}
	return nil
}

// end checks what follows the footer.
func (w *walker) end(whole bool) error {
	if !whole {
		return w.rest(fmt.Errorf("a footer without the end of the data before it"))
	}
	if w.size-w.at < int64(len(mcap.Magic)) {
		return w.rest(errCut)
	}
	if err := w.magic("no MCAP file ends like that"); err != nil {
		return w.rest(err)
	}
	if w.at != w.size {
		return w.rest(fmt.Errorf("%d bytes after the end", w.size-w.at))
	}
	return nil
}

// read returns a view of the next bytes.
func (w *walker) read(n int) ([]byte, error) {
	if cap(w.body) < n {
		w.body = make([]byte, n)
	}
	body := w.body[:n]
	_, err := io.ReadFull(w.r, body)
	return body, err
}

// record visits a record of a length, or those in it.
func (w *walker) record(op mcap.OpCode, length int) error {
	body, err := w.read(length)
	if err != nil {
		return err
	}
	if op != mcap.OpChunk {
		return w.see(op, w.at, body)
	}
	records, err := w.opener.open(body)
	if err != nil {
		return w.damaged(w.at, int64(length), err)
	}
	seen, visited, err := w.chunk(records)
	if err == nil || visited {
		return err
	}
	return w.damaged(w.at, int64(len(records)-seen), err)
}

// see visits a record.
func (w *walker) see(op mcap.OpCode, at int64, body []byte) error {
	if err := w.visit(op, at, body); err != nil {
		return fmt.Errorf("at byte %d: %w", at, err)
	}
	return nil
}

// chunk visits the whole records of a chunk, and returns how many bytes those are. visited tells that
// the error is the visitor's.
func (w *walker) chunk(records []byte) (seen int, visited bool, err error) {
	for seen < len(records) {
		rest := records[seen:]
		if len(rest) < recordHeader {
			return seen, false, errCut
		}
		op, length := mcap.OpCode(rest[0]), binary.LittleEndian.Uint64(rest[1:])
		rest = rest[recordHeader:]
		if length > uint64(len(rest)) {
			return seen, false, fmt.Errorf("in a chunk: %w", errCut)
		}
		if op != mcap.OpSchema && op != mcap.OpChannel && op != mcap.OpMessage {
			return seen, false, fmt.Errorf("a record of kind %v in a chunk", op)
		}
		if err := w.see(op, w.at, rest[:length:length]); err != nil {
			return seen, true, err
		}
		seen += recordHeader + int(length)
	}
	return seen, false, nil
}

// cut handles a record that is longer than what is left of the file.
func (w *walker) cut(op mcap.OpCode, length uint64, left int64) error {
	lost := left + recordHeader
	cause := fmt.Errorf("a %v record of %d bytes, of which %d are there: %w", op, length, left, errCut)
	if !w.salvage || op != mcap.OpChunk || left > maxRecord {
		return w.damaged(w.at, lost, cause)
	}
	body, err := w.read(int(left))
	if err != nil {
		return err
	}
	records := w.opener.begin(body)
	seen, visited, err := w.chunk(records)
	if visited {
		return err
	}
	if len(records) > 0 {
		// Of compressed chunks as much of the file as of the records.
		lost = int64(float64(lost) * (1 - float64(seen)/float64(len(records))))
		lost = max(lost, 1)
	}
	return w.damaged(w.at, lost, cause)
}
