package wire

import "bytes"

// treatment is what becomes of a value, or of all strings in one.
type treatment uint8

const (
	keep      treatment = iota // it stays
	asWord                     // it stays if it is a plain word, else it is text
	asName                     // it stays if nobody is in it, else it is an id
	asAppID                    // it stays if it looks like an application's, else it is text
	asServer                   // it stays if it looks like a server's name, else it is text
	asID                       // of an id the sigil and the server stay; else it is text
	asEntity                   // a server or a user
	asThread                   // an event, or main
	asText                     // all of it goes
	asContent                  // as ids, but names of members that are the protocol's own stay
)

// treatmentOf is the treatment of each kind at each level. At secrets the kinds
// inside rows are only looked at for streams that hold secrets; of what fits
// none of a stream's shapes no string stays.
var treatmentOf = [RedactPersonal + 1][numFields]treatment{
	RedactSecrets: {
		FieldPushKey:     asText,
		FieldAccessToken: asText,
		FieldContentText: asText,
		FieldAppID:       asAppID, // next to a push key, which could stand in its place
	},
	RedactPersonal: {
		FieldPushKey:     asText,
		FieldAccessToken: asText,
		FieldContentText: asText,
		FieldUser:        asID,
		FieldRoom:        asID,
		FieldEvent:       asID,
		FieldGroup:       asID,
		FieldStateKey:    asID,
		FieldMedia:       asID,
		FieldEntity:      asEntity,
		FieldThread:      asThread,
		FieldDevice:      asText,
		FieldDeviceText:  asText,
		FieldIP:          asText,
		FieldAgent:       asText,
		FieldAppID:       asText,
		FieldFreeText:    asText,
		FieldContent:     asContent,
		FieldServer:      asServer,
		FieldStream:      asName,
		FieldInstance:    asName,
		FieldType:        asWord,
		FieldWord:        asWord,
		FieldPresence:    asWord,
		FieldCache:       asWord,
		FieldInstanceID:  asWord,
		FieldConfigured:  asWord,
	},
}

func init() {
	// The streams whose rows hold secrets: access tokens, push keys, what users
	// keep for themselves.
	secret := map[string]bool{"caches": true, "pushers": true, "account_data": true, "tag_account_data": true}
	for i := range streams {
		streams[i].secret = secret[streams[i].Name]
	}
}

// isSecretCache reports whether a cache's keys are secret, by its name:
// get_user_by_access_token and, to be sure, whatever is called after access or
// tokens, or has a name that no function has: an escape could hide what it is.
func isSecretCache(name []byte) bool {
	return bytes.Contains(name, []byte("token")) || bytes.Contains(name, []byte("access")) || !isPlainWord(name)
}

// protocolNames are the names of members of EDUs and the like that Synapse or
// the specification made up; any other may be somebody's id.
var protocolNames = map[string]bool{
	"edu_type": true, "content": true, "origin": true, "destination": true, "sender": true, "type": true,
	"key": true, "edu": true, "state": true, "dests": true, "push": true, "failure": true, "ts": true, "data": true,
	"user_id": true, "room_id": true, "event_ids": true, "event_id": true, "thread_id": true, "typing": true,
	"presence": true, "status_msg": true, "last_active_ago": true, "currently_active": true,
	"last_active_ts": true, "last_federation_update_ts": true, "last_user_sync_ts": true,
	"m.read": true, "m.read.private": true, "m.fully_read": true, "device_id": true, "stream_id": true,
	"prev_id": true, "deleted": true, "keys": true, "algorithms": true, "signatures": true, "master_key": true,
	"self_signing_key": true, "device_display_name": true, "messages": true, "message_id": true,
	"membership": true, "profile": true, "displayname": true, "avatar_url": true, "hidden": true,
}

// text treats an argument that is plain text. A CR at the end of the line is
// none of it.
func (r *Redactor) text(part []byte, t treatment) {
	part = bytes.TrimSuffix(part, []byte{'\r'})
	r.treat(part, t, inWords)
}

// str treats a JSON string with its quotes.
func (r *Redactor) str(quoted []byte, t treatment) {
	r.treat(quoted[1:len(quoted)-1], t, inJSON)
}

func (r *Redactor) treat(part []byte, t treatment, how writing) {
	switch {
	case t == keep || len(part) == 0,
		t == asWord && isPlainWord(part) && !holdsAddress(part),
		t == asName && !holdsPerson(part),
		t == asAppID && isAppID(part),
		(t == asServer || t == asEntity) && isServer(part),
		t == asThread && string(part) == "main":
	case t == asID || t == asEntity || t == asThread || t == asContent || t == asName:
		r.addID(part, how)
	default:
		r.add(part, how)
	}
}

// addID is add for what may be an id: its sigil and its server stay.
func (r *Redactor) addID(part []byte, how writing) {
	lo, n := r.at(part), len(part)
	e := edit{lo, lo + n, lo, lo + n, how}
	if n > 1 && bytes.IndexByte([]byte("@!#$+"), part[0]) >= 0 {
		e.lo++
		if local, server, ok := cutID(part); ok && isServer(server) {
			e.hi = lo + len(local)
		}
		if e.lo == e.hi {
			return
		}
	}
	r.edits = append(r.edits, e)
}

// cutID cuts an id before the colon of its server.
func cutID(id []byte) (local, server []byte, ok bool) {
	if i := bytes.IndexByte(id, ':'); i > 0 {
		return id[:i], id[i+1:], true
	}
	return id, nil, false
}

// isServer reports whether it looks like a server's name: a host or address and
// perhaps a port.
func isServer(b []byte) bool {
	if len(b) > 0 && b[0] == '[' { // an address of IPv6
		address, rest, _ := bytes.Cut(b[1:], []byte{']'})
		return isIP(address) && (len(rest) == 0 || rest[0] == ':' && isPort(rest[1:]))
	}
	host, port, ported := bytes.Cut(b, colon)
	return isHost(host) && (!ported || isPort(port))
}

func isHost(b []byte) bool {
	for _, c := range b {
		if !hostByte[c] {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 255
}

func isPort(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 5
}

var colon = []byte{':'}

// isPlainWord reports whether it is a name as programmers give.
func isPlainWord(b []byte) bool {
	for _, c := range b {
		if !wordByte[c] {
			return false
		}
	}
	return len(b) <= 128
}

var (
	hostByte = bytesOf("-.")
	wordByte = bytesOf("-._")
)

// bytesOf is the letters and digits of ASCII, and those of more.
func bytesOf(more string) (set [256]bool) {
	for c := range 128 {
		set[c] = '0' <= c && c <= '9' || 'A' <= c&^0x20 && c&^0x20 <= 'Z'
	}
	for _, c := range []byte(more) {
		set[c] = true
	}
	return set
}

// within treats every string in a JSON value, and the names of members too:
// both can be ids.
func (r *Redactor) within(json []byte, t treatment) {
	if t == keep {
		return
	}
	for i := 0; i < len(json); i++ {
		if json[i] != '"' {
			continue
		}
		end := endOfString(json, i)
		quoted := json[i : end+1]
		i = end
		if isName(json[end+1:]) && t == asContent && protocolNames[string(quoted[1:len(quoted)-1])] {
			continue
		}
		r.str(quoted, t)
	}
}

// isName reports whether a string is a member's name, by what follows it.
func isName(after []byte) bool {
	after = bytes.TrimLeft(after, jsonBlanks)
	return len(after) > 0 && after[0] == ':'
}
