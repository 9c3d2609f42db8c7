package bag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/foxglove/mcap/go/mcap"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// chunkHeader is the size of a chunk's times, size, checksum and length of the compression's name.
const chunkHeader = 8 + 8 + 8 + 4 + 4

// opener opens chunks, in memory that it keeps. The MCAP library trusts the lengths in their headers.
type opener struct {
	zstd   *zstd.Decoder
	lz4    *lz4.Reader
	buffer []byte
}

func (o *opener) close() {
	if o.zstd != nil {
		o.zstd.Close()
	}
}

// header is what a chunk says of itself.
type header struct {
	size        uint64 // of the records uncompressed
	sum         uint32
	compression mcap.CompressionFormat
	length      uint64 // of the records as they are
	records     []byte
}

// parse reads the header of a chunk, whose records may be cut off.
func parse(chunk []byte) (header, error) {
	if len(chunk) < chunkHeader {
		return header{}, fmt.Errorf("a chunk of %d bytes, need at least %d", len(chunk), chunkHeader)
	}
	named, rest := uint64(binary.LittleEndian.Uint32(chunk[28:])), chunk[chunkHeader:]
	if named > uint64(len(rest)) || uint64(len(rest))-named < 8 {
		return header{}, fmt.Errorf("a chunk of %d bytes whose compression's name is to be %d bytes long", len(chunk), named)
	}
	return header{binary.LittleEndian.Uint64(chunk[16:]), binary.LittleEndian.Uint32(chunk[24:]),
		mcap.CompressionFormat(rest[:named]), binary.LittleEndian.Uint64(rest[named:]), rest[named+8:]}, nil
}

// open returns the records of a chunk, valid until the next one, with their checksum checked.
func (o *opener) open(chunk []byte) ([]byte, error) {
	h, err := parse(chunk)
	if err != nil {
		return nil, err
	}
	if h.length != uint64(len(h.records)) {
		return nil, fmt.Errorf("a chunk with %d bytes of records, need %d as it says", len(h.records), h.length)
	}
	if h.size > maxChunk {
		return nil, fmt.Errorf("a chunk of %d bytes uncompressed, need at most %d", h.size, maxChunk)
	}
	records, err := o.uncompress(h)
	if err != nil {
		return nil, err
	}
	if uint64(len(records)) != h.size {
		return nil, fmt.Errorf("a chunk of %d bytes uncompressed, need %d as it says", len(records), h.size)
	}
	if got := crc32.ChecksumIEEE(records); h.sum != 0 && got != h.sum {
		return nil, fmt.Errorf("a chunk with checksum %08x, need %08x: bytes have changed", got, h.sum)
	}
	return records, nil
}

// begin returns the records at the beginning of a chunk that was cut off, as many bytes as can be
// uncompressed; nothing checks those.
func (o *opener) begin(chunk []byte) []byte {
	h, err := parse(chunk)
	if err != nil || h.size > maxChunk {
		return nil
	}
	records, _ := o.uncompress(h) // the error is that the rest is missing
	return records
}

// uncompress returns the records, with an error those before it.
func (o *opener) uncompress(h header) ([]byte, error) {
	var from io.Reader
	switch source := bytes.NewReader(h.records); h.compression {
	case mcap.CompressionNone:
		return h.records, nil
	case mcap.CompressionZSTD:
		if o.zstd == nil {
			var err error
			if o.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxChunk)); err != nil {
				return nil, err
			}
		}
		if err := o.zstd.Reset(source); err != nil {
			return nil, fmt.Errorf("a chunk that cannot be uncompressed (%s): %w", h.compression, err)
		}
		from = o.zstd
	case mcap.CompressionLZ4:
		if o.lz4 == nil {
			o.lz4 = lz4.NewReader(source)
		}
		o.lz4.Reset(source)
		from = o.lz4
	default:
		return nil, fmt.Errorf("a chunk with compression %.20q, need zstd, lz4 or none", string(h.compression))
	}
	into := bytes.NewBuffer(o.buffer[:0])
	_, err := io.Copy(into, io.LimitReader(from, int64(h.size)+1))
	o.buffer = into.Bytes()
	if err != nil {
		return o.buffer, fmt.Errorf("a chunk that cannot be uncompressed (%s): %w", h.compression, err)
	}
	return o.buffer, nil
}
