package wire

import (
	"bytes"
	"unicode/utf8"
)

// foreign is a protocol that is not ours, by how its first bytes look.
type foreign struct {
	what  string
	match func(first []byte) bool
}

// foreigners lists what people point at a replication port, or a tap at, by
// mistake. The words say what it is and what to do about it.
var foreigners = []foreign{
	{"an HTTP response: the upstream is an HTTP listener; give the address of the listener of type replication, not the one with the resource replication",
		prefix("HTTP/1.", "HTTP/2")},
	{"an HTTP request: point the client at an HTTP listener (worker_replication_http_port is not worker_replication_port)",
		isHTTPRequest},
	{"Redis (RESP): the upstream or the client is a Redis one; workers that use Redis do not speak this protocol over TCP",
		isRESP},
	{"a TLS handshake: replication over TCP is never encrypted; end TLS before it gets here",
		func(b []byte) bool { return len(b) >= 3 && b[0] == 0x16 && b[1] == 3 && b[2] <= 4 }},
	{"a TLS alert: the upstream is a TLS port and refuses what it got; replication over TCP is never encrypted, check the port",
		func(b []byte) bool { return len(b) >= 3 && b[0] == 0x15 && b[1] == 3 && b[2] <= 4 }},
	{"HTTP/2: the upstream is an HTTP listener; give the address of the listener of type replication",
		func(b []byte) bool {
			return len(b) >= 9 && b[0] == 0 && b[3] == 4 && string(b[4:9]) == "\x00\x00\x00\x00\x00"
		}},
	{"SSH: the upstream or the client is an SSH one; check the port",
		prefix("SSH-2.0-", "SSH-1.")},
	{"a PROXY protocol header: switch send-proxy off in the load balancer; replication does not know it",
		prefix("PROXY TCP", "PROXY UNKNOWN", "\r\n\r\n\x00\r\nQUIT\n")},
	{"PostgreSQL: the client wants a database; check the port",
		isPostgres},
	{"SMTP, FTP or the like: the upstream is a mail or file server; check the port",
		prefix("220 ", "220-")},
}

// Sniff says in plain words what a peer speaks whose first bytes can't be
// replication, and what to do about it. It reports false when it can't tell.
func Sniff(first []byte) (what string, ok bool) {
	for i := range foreigners {
		if foreigners[i].match(first) {
			return foreigners[i].what, true
		}
	}
	return "", false
}

// noText says the same of a first line or fragment that is no text at all.
const noText = "bytes that are no text: this is no replication; check both the address that the client connects to and the upstream"

// isBinary: in a line of text there are no control characters but blanks.
func isBinary(first []byte) bool {
	for _, b := range first {
		if b < ' ' && (b < '\t' || b > '\r') && b != 0x1B {
			return true
		}
	}
	return !utf8.Valid(first)
}

func prefix(prefixes ...string) func([]byte) bool {
	return func(b []byte) bool { return hasAnyPrefix(b, prefixes) }
}

func hasAnyPrefix(b []byte, prefixes []string) bool {
	for _, p := range prefixes {
		if len(b) >= len(p) && string(b[:len(p)]) == p {
			return true
		}
	}
	return false
}

// isHTTPRequest wants the whole first line to look like one.
func isHTTPRequest(b []byte) bool {
	line, _, whole := bytes.Cut(b, []byte{'\n'})
	method, rest, ok := cut(line)
	if !ok || len(method) < 3 || len(method) > 7 {
		return false
	}
	for _, c := range method {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	_, version, ok := cut(rest)
	return ok && whole && bytes.HasPrefix(version, []byte("HTTP/"))
}

// isRESP knows the answers of a Redis and what it pushes, and a client's commands,
// which are arrays of strings.
func isRESP(b []byte) bool {
	if hasAnyPrefix(b, []string{"+OK\r\n", "+PONG\r\n", "-NOAUTH ", "-ERR ", "-WRONGPASS ", "-DENIED ", "-MISCONF ", "-LOADING "}) {
		return true
	}
	head, _, whole := bytes.Cut(b, []byte("\r\n"))
	if !whole || len(head) < 2 || bytes.IndexByte([]byte("*$:>"), head[0]) < 0 {
		return false
	}
	_, ok := plainInt(head[1:])
	return ok
}

// isPostgres knows a client's first packet: length, then 3.0 or the request
// for TLS.
func isPostgres(b []byte) bool {
	if len(b) < 8 || b[0] != 0 || b[1] != 0 {
		return false
	}
	version := string(b[4:8])
	return version == "\x00\x03\x00\x00" || version == "\x04\xd2\x16\x2f"
}
