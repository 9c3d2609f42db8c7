package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/foxglove/mcap/go/mcap"
)

// The walk over a file's records is this package's own: the library's lexer indexes and
// allocates by lengths in the file before it checks them.

const (
	recordHeader = 1 + 8                 // opcode, length
	chunkHeader  = 8 + 8 + 8 + 4 + 4 + 8 // times, size, checksum, length of an empty compression, length of the records
)

// walk calls visit for each record, those inside chunks included, with its place in the
// file. It checks framing, order and all checksums, and returns an error that says the
// byte if the file is not whole.
func walk(data []byte, visit func(op mcap.OpCode, at int, body []byte) error) error {
	if !bytes.HasPrefix(data, mcap.Magic) {
		return errors.New("at byte 0: not an MCAP file, or cut off within its first 8 bytes")
	}
	pos := len(mcap.Magic)
	dataEnd := 0 // where the summary begins; 0 before that
	for {
		op, body, err := next(data, pos)
		if err != nil {
			return err
		}
		at := pos
		pos += recordHeader + len(body)
		if at == len(mcap.Magic) && op != mcap.OpHeader {
			return fmt.Errorf("at byte %d: %v record, want the header", at, op)
		}
		switch op {
		case mcap.OpChunk:
			if dataEnd > 0 {
				return fmt.Errorf("at byte %d: chunk record in the summary", at)
			}
			err = walkChunk(body, at, visit)
		case mcap.OpDataEnd:
			var end *mcap.DataEnd
			if end, err = mcap.ParseDataEnd(body); err == nil {
				err = checksum("data", end.DataSectionCRC, data[:at])
			}
			if dataEnd > 0 {
				err = errors.New("second end of data")
			}
			dataEnd = pos
		case mcap.OpFooter:
			return walkFooter(data, at, body, dataEnd)
		case mcap.OpReserved:
			err = errors.New("opcode 0")
		default:
			err = visit(op, at, body)
		}
		if err != nil {
			return fmt.Errorf("at byte %d: %v record: %w", at, op, err)
		}
	}
}

// next returns the record at pos; its body is a view.
func next(data []byte, pos int) (mcap.OpCode, []byte, error) {
	rest := data[pos:]
	if len(rest) < recordHeader {
		return 0, nil, fmt.Errorf("at byte %d: cut off: %d bytes, want a record", pos, len(rest))
	}
	op, size := mcap.OpCode(rest[0]), binary.LittleEndian.Uint64(rest[1:])
	rest = rest[recordHeader:]
	if size > uint64(len(rest)) {
		return 0, nil, fmt.Errorf("at byte %d: cut off or wrong length: %v record of %d bytes, %d are left", pos, op, size, len(rest))
	}
	return op, rest[:size:size], nil
}

// walkChunk visits the records of a chunk; at is the place of the chunk in the file.
func walkChunk(chunk []byte, at int, visit func(op mcap.OpCode, at int, body []byte) error) error {
	if len(chunk) < chunkHeader {
		return fmt.Errorf("%d bytes, want at least %d", len(chunk), chunkHeader)
	}
	size, crc := binary.LittleEndian.Uint64(chunk[16:]), binary.LittleEndian.Uint32(chunk[24:])
	if n := binary.LittleEndian.Uint32(chunk[28:]); n != 0 {
		name := chunk[32:]
		return fmt.Errorf("compressed with %q; only chunks without compression are read", name[:min(uint64(n), 8, uint64(len(name)))])
	}
	records := chunk[chunkHeader:]
	if n := binary.LittleEndian.Uint64(chunk[32:]); n != uint64(len(records)) || size != n {
		return fmt.Errorf("records of %d bytes, size %d, want both %d", n, size, len(records))
	}
	if err := checksum("chunk", crc, records); err != nil {
		return err
	}
	for pos := 0; pos < len(records); {
		op, body, err := next(records, pos)
		if err != nil {
			return fmt.Errorf("in the chunk whose records start at byte %d: %w", at+recordHeader+chunkHeader, err)
		}
		switch op {
		case mcap.OpSchema, mcap.OpChannel, mcap.OpMessage:
			if err := visit(op, at+recordHeader+chunkHeader+pos, body); err != nil {
				return fmt.Errorf("at byte %d: %v record: %w", at+recordHeader+chunkHeader+pos, op, err)
			}
		default:
			return fmt.Errorf("at byte %d: %v record inside a chunk", at+recordHeader+chunkHeader+pos, op)
		}
		pos += recordHeader + len(body)
	}
	return nil
}

// walkFooter checks the footer at the given place and the end of the file.
func walkFooter(data []byte, at int, body []byte, dataEnd int) error {
	footer, err := mcap.ParseFooter(body)
	if err != nil {
		return fmt.Errorf("at byte %d: footer: %w", at, err)
	}
	if dataEnd == 0 {
		return fmt.Errorf("at byte %d: footer without the end of the data before it", at)
	}
	if footer.SummaryCRC != 0 && len(body) == 20 {
		if err := checksum("summary", footer.SummaryCRC, data[dataEnd:at+recordHeader+16]); err != nil {
			return fmt.Errorf("at byte %d: footer: %w", at, err)
		}
	}
	if end := at + recordHeader + len(body); !bytes.Equal(data[end:], mcap.Magic) {
		return fmt.Errorf("at byte %d: %d bytes after the footer, want the 8 bytes that end an MCAP file", end, len(data)-end)
	}
	return nil
}

// checksum compares a checksum; 0 says that the writer made none.
func checksum(of string, want uint32, data []byte) error {
	if got := crc32.ChecksumIEEE(data); want != 0 && got != want {
		return fmt.Errorf("%s checksum %08x, want %08x: bytes have changed", of, got, want)
	}
	return nil
}
