package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// foreign are files that people name where a journal or a capture is expected, by
// how they begin. Hints are for those who want to read what is in them.
var foreign = []struct{ magic, what, hint string }{
	{"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", packetHint}, {"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", packetHint},
	{"\x4d\x3c\xb2\xa1", "a packet capture (pcap)", packetHint}, {"\xa1\xb2\x3c\x4d", "a packet capture (pcap)", packetHint},
	{"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", packetHint},
	{"\x1f\x8b", "compressed with gzip", "decompress it first: gunzip -c FILE | repltap import - …"},
	{"BZh", "compressed with bzip2", "decompress it first: bunzip2 -c FILE | repltap import - …"},
	{"\xfd7zXZ\x00", "compressed with xz", "decompress it first: xz -dc FILE | repltap import - …"},
	{"\x04\x22\x4d\x18", "compressed with lz4", "decompress it first: lz4 -dc FILE | repltap import - …"},
	{"PK\x03\x04", "a zip archive", "unpack it first"},
	{"SQLite format 3\x00", "an SQLite database", ""},
	{"\x7fELF", "a program (ELF)", ""},
	{"%PDF-", "a PDF document", ""},
	{"\xff\xfe\x00\x00", "text in UTF-32", utf32Hint}, {"\x00\x00\xfe\xff", "text in UTF-32", utf32Hint},
	{"\xff\xfe", "text in UTF-16", utf16Hint}, {"\xfe\xff", "text in UTF-16", utf16Hint},
}

const (
	packetHint = "save the payload of each direction as text, and import that with --direction s2c or c2s"
	utf16Hint  = "convert it first: iconv -f UTF-16 -t UTF-8 FILE | repltap import - …"
	utf32Hint  = "convert it first: iconv -f UTF-32 -t UTF-8 FILE | repltap import - …"
)

// Foreign says what a file is whose first bytes are head, in words that follow
// "it is", and how to get at what is in it. Both are empty when it can't tell,
// and where the file may be one of a journal. Some 512 bytes are enough.
func Foreign(head []byte) (what, hint string) {
	for _, k := range foreign {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.what, k.hint
		}
	}
	switch {
	case IsZstd(head):
		return "compressed with zstd", "decompress it first: zstd -dc FILE | repltap import - …"
	case isUTF16(head):
		return "text in UTF-16", utf16Hint
	}
	return "", ""
}

// IsZstd says whether a file that begins with head is compressed with zstd, also
// when it begins with a skippable frame, or is cut off within its first header.
func IsZstd(head []byte) bool {
	const magic = 4
	var h zstd.Header
	err := h.Decode(head)
	return err == nil || len(head) >= magic && errors.Is(err, io.ErrUnexpectedEOF)
}

// IsFile says whether a file that begins with head is a database of bbolt, as the
// files of a journal are.
func IsFile(head []byte) bool {
	const at = 16 // behind the header of the first page
	if len(head) < at+4 {
		return false
	}
	return binary.LittleEndian.Uint32(head[at:]) == boltMagic || binary.BigEndian.Uint32(head[at:]) == boltMagic
}

// isUTF16 knows text of two bytes a character without a byte order mark: every
// other byte is zero and the others are ASCII.
func isUTF16(head []byte) bool {
	head = head[:len(head)&^1]
	for first := range 2 {
		text := make([]byte, 0, len(head)/2)
		zeros := 0
		for i := range head {
			switch {
			case i%2 == first:
				text = append(text, head[i])
			case head[i] == 0:
				zeros++
			}
		}
		if len(text) > 3 && zeros == len(text) && bytes.IndexByte(text, 0) < 0 && utf8.Valid(text) {
			return true
		}
	}
	return false
}
