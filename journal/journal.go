// Package journal keeps replication traffic on disk, exactly and in order:
// records in a directory of bbolt files, compressed, checksummed, and readable
// while they are written.
//
// A Writer appends records; a Scribe makes records of what was read from
// connections and gives them to a Writer. Open and Reader.Records read a journal,
// Reader.Follow one that is being written, Reader.Raw gives the bytes alone.
// Verify proves that a journal is whole.
//
// # Promises
//
//   - What was appended comes out again, byte for byte, in the order of Seq.
//   - A crash costs at most Options.FlushInterval, and needs no repair.
//   - What could not be written is written down: for each direction of each
//     connection, bytes forwarded = bytes journalled + bytes of gaps.
//   - Damage is found and costs the block it is in, no more.
//   - Nothing that happens to the disk ends the process or holds up more than the
//     goroutine that waits for it: errors, a disk that is full or hangs, files and
//     directories that are cut, removed or replaced below their writer.
//   - Memory is bounded: three blocks being filled, packedQueue waiting for the
//     disk, one transaction of maxBatch bytes, and of the open file the places of
//     its blocks and its connections; a reader holds one block and the heads of
//     one file.
//
// # Who owns what
//
//	Append ─▶ builder ─full─▶ packing ─packed─▶ store.run ─▶ bbolt file ─▶ sealer
//	          (mutex)          (zstd)            │ owns the open file
//	                                             └▶ server: readers of the open file
//
// The caller's goroutine cuts lines into columns, one goroutine compresses them,
// one owns the open file and all its state, one seals finished files. The queues
// between them are short: a slow disk holds Append up. A disk that fails does
// not: blocks that can't be written become gaps, the file is let go as it was
// last committed, and every later write tries to begin a new one.
//
// Only the goroutine that owns the open file and the sealer ask anything of the
// disk, and readers of the open file for themselves. What they ask is noted before
// (see watch.go), so that others know that the disk hangs without asking it. No
// file is mapped into memory: a fault under a map can't be handled in time, see
// boltwrite.go, which writes bbolt's format with plain writes. bbolt itself
// reads what Verify reads, so that nobody need believe this package's own reading.
//
// Before each commit, and twice in each flush interval, the store looks whether the
// directory and the open file are where they were, and as long (see dir.go). What
// was lost with a file is noted as gaps in the next one.
//
// # Files
//
// A journal is a directory of files 0000000001.journal, 0000000002.journal …,
// written in turn. Numbers only rise; the oldest files may be missing. Each file
// stands alone: it names the connections that were open when it began and how
// many bytes they had passed by then. A writer holds an exclusive flock on the
// directory and listens on the socket recorder.sock in it, through which others
// read the open file (see live.go; the socket is no part of the format).
// *.beginning and *.sealing are files that are being made; they are removed when
// found.
// reserve is room kept for the last words of a journal whose disk is full, and a
// note of what could not be written by then (see reserve.go).
// redaction.key is what pseudonyms are made with, 64 hexadecimal digits; reading
// needs it not, and it is not to be passed on with the files.
//
// A file is a bbolt database (file format 2) with these buckets. Numbers in keys
// are 8 bytes, big-endian; CRC is CRC-32C (Castagnoli).
//
//	repltap  "header" ▶ checked JSON of fileHeader: format, program, number, recording, start, source,
//	                    redact, key, after, past, sealed, ended
//	         "next"   ▶ checked JSON {"seq","conn"}: the highest numbers given by then
//	blocks   number of the block's first record ▶ block
//	index    the same number ▶ the block's head (its fixed part and header, without the payload)
//	conns    connection ▶ checked JSON of connInfo: conn, peer, upstream, worker, dialect, opened, closed (Unix
//	         nanoseconds), flows: for s2c and c2s the bytes that went that way before this file (start), by its
//	         last block, gaps included (seen), and as the copiers counted at the end (total, -1 before)
//
// Checked JSON is followed by the CRC of key and JSON, u32 little-endian. Blocks,
// index and conns change in one transaction, so they always agree.
//
// # Blocks
//
//	0       8         12          16            20           24         24+H        24+H+P
//	├ magic ┼ H  u32 ─┼─ P  u32 ──┼ CRC payload ┼ CRC head ──┼─ header ─┼─ payload ─┤
//
// The magic is B7 "RTBLOCK". Numbers are little-endian. CRC head is over bytes 0
// to 20 and the header, so it covers the lengths and the payload's CRC. In the
// header, uv is an unsigned varint, v a zigzag varint (as encoding/binary has
// them), text an uv length and bytes:
//
//	uv   number of the first record; the others follow without holes
//	uv   records
//	v    lowest time (Unix nanoseconds); uv what the highest time is above it
//	3x   uv length of the section, uv its compressed length or 0 when it is not compressed
//	uv   flows, each: uv connection, u8 direction (0 none, 1 s2c, 2 c2s; +128: its bytes end in the middle of a
//	     line), v records, v bytes that went that way before, v bytes, v newlines, v bytes of gaps, v newlines of gaps
//	uv   tallies of lines, each: u8 direction, text command, text stream, text instance, v lines, v bytes,
//	     v lines with "batch", v lines with findings, v lines with a token; when that is not 0: v first token,
//	     v last, v lowest, v highest
//
// A line is tallied in the block that has its end. An over-long line is no line: each
// block with a part of it has a tally of what it is about, with no lines. The payload is three sections,
// each a zstd frame, or as it is when that is no larger.
//
// Section 0, shape: parts, each a text:
//
//	classes    a byte a record: 1 an event, not bytes; 2 s2c; 4 c2s; 8 a read of the tap ended with it;
//	           16 the bytes do not begin a line; 32 it has a note; 64 another connection than the record before;
//	           128 another time than the record before
//	times      v the first record's time, then v the difference for each class with 128
//	conns      v the difference for each class with 64; the first is against 0
//	numbers    uv the template of each record of bytes, from 1; 0: verbatim
//	templates  not one text: uv how many, then each a text
//	verbatim   each a text
//	notes      for each event u8 its Kind; for each class with 32 a text: the Event's JSON, or for bytes the JSON of
//	           the findings
//
// A template is a line with holes: byte 1 is a number, 2 a quoted string (the
// quotes are not in the value), 3 other bytes. All values of one hole of one
// template stand together, templates in order, holes in order: section 1 has for
// a number the v difference to the value before in that hole (the first against
// 0), for the others the uv length; section 2 has the bytes.
//
// Bytes are stored as the reads of the tap brought them, cut behind each newline.
// So one read is the records up to one with class 8, and a line that came in two
// reads is two records. Readers join them with wire.Splitter.
//
// Kinds are numbered as the constants are: 3 open, 4 close, 5 eof, 6 stall,
// 7 resume, 8 gap, 9 finding, 10 file, 11 sample, 12 run, 13 clock. A replay writes
// a run when it begins and when it ends: its Event's JSON has in "run" what [Run]
// has.
//
// # Format numbers
//
// The header's format is 0 until the format is frozen: format 0 may change from
// one version of the program to the next. A file with a higher number than
// Format is refused as newer, never taken for damaged.
package journal
