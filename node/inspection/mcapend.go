package inspection

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/foxglove/mcap/go/mcap"
)

// Sizes at the end of an MCAP file, in bytes: the footer record is an opcode, a length, where the summary
// and its offsets start, and the summary's checksum; the magic is behind it.
const (
	footerHead = 1 + 8
	footerBody = 8 + 8 + 4
)

// checkSummary compares the checksum of the summary, which bag.Salvage passes over, in a file whose
// records it found whole. There is nothing to compare where the writer made none.
func checkSummary(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	footer := make([]byte, footerHead+footerBody)
	at := info.Size() - int64(len(mcap.Magic)+len(footer))
	if _, err := f.ReadAt(footer, max(at, 0)); err != nil {
		return err
	}
	if at < 0 || mcap.OpCode(footer[0]) != mcap.OpFooter || binary.LittleEndian.Uint64(footer[1:]) != footerBody {
		return fmt.Errorf("%s: at byte %d: no footer of %d bytes", path, max(at, 0), footerBody)
	}
	body := footer[footerHead:]
	start, want := binary.LittleEndian.Uint64(body), binary.LittleEndian.Uint32(body[16:])
	if start == 0 { // no summary: the checksum is of the footer alone
		start = uint64(at)
	}
	if want == 0 {
		return nil
	}
	if start > uint64(at) {
		return fmt.Errorf("%s: at byte %d: footer: the summary is said to start at byte %d", path, at, start)
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.NewSectionReader(f, int64(start), at+footerHead+16-int64(start))); err != nil {
		return err
	}
	if got := sum.Sum32(); got != want {
		return fmt.Errorf("%s: at byte %d: summary checksum %08x, need %08x: bytes have changed in the indexes at the end; messages can be read", path, start, got, want)
	}
	return nil
}
