package policy

import "bytes"

// Read is Load of a file's content.
func Read(content []byte) (*File, error) { return read(bytes.NewReader(content), int64(len(content))) }

// Encode returns what Save writes.
func (f *File) Encode() ([]byte, error) { return f.encode() }
