package demonstration

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/foxglove/mcap/go/mcap"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	// maxRecord bounds a record, and maxChunk what a chunk holds uncompressed, in bytes: rosbag2 makes
	// chunks of less than a megabyte unless told otherwise.
	maxRecord = 1 << 28
	maxChunk  = 1 << 28
	// chunkHeader is the size of a chunk's times, size, checksum and length of the compression's name.
	chunkHeader = 8 + 8 + 8 + 4 + 4
)

// errNotWhole marks a file whose end is missing.
var errNotWhole = errors.New("cut off before its end, as when recording was killed; `mcap recover` saves what is there")

// visitor sees schemas, channels and messages; the body is valid until the next one.
type visitor func(token mcap.TokenType, body []byte) error

// walkFile visits what is in an MCAP file, those in chunks included. Errors name the file.
func walkFile(path string, visit visitor) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = walk(bufio.NewReaderSize(f, 1<<16), int(min(info.Size(), maxRecord)), visit)
	if end := make([]byte, len(mcap.Magic)); err == nil {
		if _, err = f.ReadAt(end, info.Size()-int64(len(end))); err == nil && !bytes.Equal(end, mcap.Magic) {
			err = errNotWhole
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrBag, path, err)
	}
	return nil
}

// walk visits what is in an MCAP file of which no record is larger than largest. The library finds the
// records; chunks are opened here, because it trusts the lengths in their headers.
func walk(r io.Reader, largest int, visit visitor) error {
	lexer, err := mcap.NewLexer(r, &mcap.LexerOptions{EmitChunks: true, MaxRecordSize: max(largest, 1)})
	if err != nil {
		return errors.New("it does not begin as an MCAP file does")
	}
	defer lexer.Close()
	var opener opener
	defer opener.close()
	buffer, whole := []byte(nil), false
	for {
		token, body, err := lexer.Next(buffer)
		switch {
		case errors.Is(err, io.EOF) && whole:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errNotWhole
		case errors.Is(err, mcap.ErrRecordTooLarge) && largest < maxRecord:
			return fmt.Errorf("a record is longer than the file: damaged, or %w", errNotWhole)
		case err != nil:
			return err
		}
		if cap(body) > cap(buffer) {
			buffer = body[:cap(body)]
		}
		switch token {
		case mcap.TokenChunk:
			records, err := opener.open(body)
			if err == nil {
				err = walkChunk(records, visit)
			}
			if err != nil {
				return err
			}
		case mcap.TokenFooter:
			whole = true
		case mcap.TokenSchema, mcap.TokenChannel, mcap.TokenMessage:
			if whole { // after the footer there is nothing
				return errors.New("there are records after its footer")
			}
			if err := visit(token, body); err != nil {
				return err
			}
		}
	}
}

// walkChunk visits the records of a chunk.
func walkChunk(records []byte, visit visitor) error {
	lexer, err := mcap.NewLexer(bytes.NewReader(records), &mcap.LexerOptions{SkipMagic: true, EmitChunks: true, MaxRecordSize: max(len(records), 1)})
	if err != nil {
		return err
	}
	defer lexer.Close()
	var buffer []byte
	for {
		token, body, err := lexer.Next(buffer)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("in a chunk: %w", err)
		case token != mcap.TokenSchema && token != mcap.TokenChannel && token != mcap.TokenMessage:
			return fmt.Errorf("a record of kind %v in a chunk", token)
		}
		if cap(body) > cap(buffer) {
			buffer = body[:cap(body)]
		}
		if err := visit(token, body); err != nil {
			return err
		}
	}
}

// opener opens chunks, in memory that it keeps.
type opener struct {
	zstd   *zstd.Decoder
	buffer []byte
}

func (o *opener) close() {
	if o.zstd != nil {
		o.zstd.Close()
	}
}

// open returns the records of a chunk, valid until the next one, with their checksum checked.
func (o *opener) open(chunk []byte) ([]byte, error) {
	if len(chunk) < chunkHeader {
		return nil, fmt.Errorf("a chunk of %d bytes, need at least %d", len(chunk), chunkHeader)
	}
	size, sum, named := binary.LittleEndian.Uint64(chunk[16:]), binary.LittleEndian.Uint32(chunk[24:]), uint64(binary.LittleEndian.Uint32(chunk[28:]))
	rest := chunk[chunkHeader:]
	if named > uint64(len(rest)) || uint64(len(rest))-named < 8 {
		return nil, fmt.Errorf("a chunk of %d bytes whose compression's name is to be %d bytes long", len(chunk), named)
	}
	compression, length, records := mcap.CompressionFormat(rest[:named]), binary.LittleEndian.Uint64(rest[named:]), rest[named+8:]
	if length != uint64(len(records)) {
		return nil, fmt.Errorf("a chunk with %d bytes of records, need %d as it says", len(records), length)
	}
	if size > maxChunk {
		return nil, fmt.Errorf("a chunk of %d bytes uncompressed, need at most %d", size, maxChunk)
	}
	var err error
	switch compression {
	case mcap.CompressionNone:
	case mcap.CompressionZSTD:
		if o.zstd == nil {
			if o.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxChunk)); err != nil {
				return nil, err
			}
		}
		o.buffer, err = o.zstd.DecodeAll(records, o.buffer[:0])
		records = o.buffer
	case mcap.CompressionLZ4:
		into := bytes.NewBuffer(o.buffer[:0])
		_, err = io.Copy(into, io.LimitReader(lz4.NewReader(bytes.NewReader(records)), int64(size)+1))
		o.buffer = into.Bytes()
		records = o.buffer
	default:
		return nil, fmt.Errorf("a chunk with compression %.20q, need zstd, lz4 or none", string(compression))
	}
	if err != nil {
		return nil, fmt.Errorf("a chunk that cannot be uncompressed (%s): %w", compression, err)
	}
	if uint64(len(records)) != size {
		return nil, fmt.Errorf("a chunk of %d bytes uncompressed, need %d as it says", len(records), size)
	}
	if got := crc32.ChecksumIEEE(records); sum != 0 && got != sum {
		return nil, fmt.Errorf("a chunk with checksum %08x, need %08x: bytes have changed", got, sum)
	}
	return records, nil
}
