package wire

import "bytes"

// Command is the kind of a line, named by what stands before its first space.
type Command uint8

// Every command that any release knows.
const (
	CmdUnknown Command = iota
	CmdServer
	CmdRdata
	CmdPosition
	CmdError
	CmdPing
	CmdName
	CmdReplicate
	CmdUserSync
	CmdClearUserSync
	CmdFederationAck
	CmdSync
	CmdRemovePusher
	CmdInvalidateCache
	CmdUserIP
	CmdRemoteServerUp
	CmdLockReleased
	CmdNewActiveTask
	CmdCancelTask
	CmdUserSyncKeepalive

	// NumCommands is the number of Command values, for arrays indexed by them.
	NumCommands
)

var commandNames = [NumCommands]string{
	CmdUnknown:           "unknown",
	CmdServer:            "SERVER",
	CmdRdata:             "RDATA",
	CmdPosition:          "POSITION",
	CmdError:             "ERROR",
	CmdPing:              "PING",
	CmdName:              "NAME",
	CmdReplicate:         "REPLICATE",
	CmdUserSync:          "USER_SYNC",
	CmdClearUserSync:     "CLEAR_USER_SYNC",
	CmdFederationAck:     "FEDERATION_ACK",
	CmdSync:              "SYNC",
	CmdRemovePusher:      "REMOVE_PUSHER",
	CmdInvalidateCache:   "INVALIDATE_CACHE",
	CmdUserIP:            "USER_IP",
	CmdRemoteServerUp:    "REMOTE_SERVER_UP",
	CmdLockReleased:      "LOCK_RELEASED",
	CmdNewActiveTask:     "NEW_ACTIVE_TASK",
	CmdCancelTask:        "CANCEL_TASK",
	CmdUserSyncKeepalive: "USER_SYNC_KEEPALIVE",
}

// String is the name as it stands on the wire; "unknown" for CmdUnknown.
func (c Command) String() string {
	if c < NumCommands {
		return commandNames[c]
	}
	return commandNames[CmdUnknown]
}

// CommandOf tells the command of a line, with or without its terminator. The
// name ends at the first space and must match exactly: nothing strips a CR,
// and a lower-case name is no command.
func CommandOf(line []byte) Command {
	name, _, _ := cutName(trimNewline(line))
	return commandNamed(name)
}

// commandNamed looks a name up; the compiler makes a binary search of it.
func commandNamed(name []byte) Command {
	switch string(name) {
	case "RDATA":
		return CmdRdata
	case "POSITION":
		return CmdPosition
	case "PING":
		return CmdPing
	case "SERVER":
		return CmdServer
	case "ERROR":
		return CmdError
	case "NAME":
		return CmdName
	case "REPLICATE":
		return CmdReplicate
	case "USER_SYNC":
		return CmdUserSync
	case "CLEAR_USER_SYNC":
		return CmdClearUserSync
	case "FEDERATION_ACK":
		return CmdFederationAck
	case "SYNC":
		return CmdSync
	case "REMOVE_PUSHER":
		return CmdRemovePusher
	case "INVALIDATE_CACHE":
		return CmdInvalidateCache
	case "USER_IP":
		return CmdUserIP
	case "REMOTE_SERVER_UP":
		return CmdRemoteServerUp
	case "LOCK_RELEASED":
		return CmdLockReleased
	case "NEW_ACTIVE_TASK":
		return CmdNewActiveTask
	case "CANCEL_TASK":
		return CmdCancelTask
	case "USER_SYNC_KEEPALIVE":
		return CmdUserSyncKeepalive
	}
	return CmdUnknown
}

// trimNewline takes the terminator off a line that has one.
func trimNewline(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		return line[:n-1]
	}
	return line
}

// cutName splits a line at its first space. Without one, all of it is name.
func cutName(text []byte) (name, rest []byte, spaced bool) {
	return bytes.Cut(text, space)
}

var space = []byte{' '}
