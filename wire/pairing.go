package wire

import (
	"bytes"
	"fmt"
	"time"
)

// What the two ends are to each other: of one homeserver or not, of releases
// that can talk or not, repeating each other's words.

// pairing is what is known of the two ends together.
type pairing struct {
	server   string
	apart    bool      // the two sides speak what has no dialect in common
	cause    Command   // of the line that showed it
	causeDir Direction // and who said it
	toldPair bool      // that they do, or it was a stray line
	toldSide [C2S + 1]bool
	ups      [4]upSeen // REMOTE_SERVER_UP that the master sent last
	nextUp   int
}

// upSeen is a server's name, as a number, and when it was up.
type upSeen struct {
	name uint64
	at   int64
}

// echoTime is how soon a line comes back when a process sends on all it gets.
const echoTime = int64(100 * time.Millisecond)

// misfits says what becomes of a worker and a master whose releases differ too
// much, by what they speak. The first that fits holds.
var misfits = []struct {
	worker, master DialectSet
	text           string
}{
	{dialectRange(v0_21, v1_9), dialectRange(v1_13, vNext),
		"a worker up to 1.12 with a master from 1.13 on: the worker can't read POSITION and RDATA with an instance in them, answers with ERROR, closes and comes back, for ever"},
	{dialectRange(v1_13, vNext), dialectRange(v0_21, v1_9),
		"a worker from 1.13 on with a master up to 1.12: the master can't read REPLICATE without a stream, answers with ERROR and closes; the worker comes back, for ever"},
	{dialectRange(v1_13, v1_18), dialectRange(v1_22, vNext),
		"a worker of 1.13 to 1.21 with a master from 1.22 on: the worker can't read POSITION with two tokens, answers with ERROR, closes and comes back, for ever"},
	{dialectRange(v1_22, vNext), dialectRange(v1_13, v1_18),
		"a worker from 1.22 on with a master of 1.13 to 1.21: the worker can't read POSITION with one token, answers with ERROR, closes and comes back, for ever"},
	{dialectRange(v1_13, v1_14), dialectRange(v1_18, vNext),
		"a worker of 1.13 to 1.17 with a master from 1.18 on: the master can't read FEDERATION_ACK without an instance, answers with ERROR and closes; the worker comes back, for ever"},
	{dialectRange(v1_18, vNext), dialectRange(v1_13, v1_14),
		"a worker from 1.18 on with a master of 1.13 to 1.17: the master can't read FEDERATION_ACK with an instance, answers with ERROR and closes; the worker comes back, for ever"},
	{dialectRange(v0_21, v1_90), dialectRange(v1_92, vNext),
		"a worker up to 1.91 with a master from 1.92 on: the master can't read USER_SYNC without a device"},
	{dialectRange(v1_92, vNext), dialectRange(v0_21, v1_90),
		"a worker from 1.92 on with a master up to 1.91: the master can't read USER_SYNC with a device"},
}

// misfit says which is which, what happens and what to do.
func misfit(worker, master DialectSet) string {
	for i := range misfits {
		if m := &misfits[i]; worker&^m.worker == 0 && master&^m.master == 0 {
			return m.text + "; run both ends on one release"
		}
	}
	return "worker and master are of different releases; run both ends on one"
}

// pair tells once that the two ends, or what one of them says, do not go
// together. odd says that the line has been found odd already.
func (c *Conversation) pair(dir Direction, line []byte, g *Gist, odd bool, found []Finding) []Finding {
	if c.toldPair || !c.detector.contradictory() {
		return found
	}
	if c.detector.apart {
		return c.together(dir, line, g, found)
	}
	if c.toldSide[dir] || !c.detector.clashes(dir) {
		return found
	}
	c.toldSide[dir] = true
	if odd {
		return found // it says all there is to say
	}
	return append(found, Finding{Code: CodeOneSideMixed, Verdict: ActAccept.String(), Detail: c.detector.clashText(dir)})
}

// together tells that the ends can't talk to each other when a second line
// shows it, or an ERROR: a single line may be a stray, which has been told by
// itself. What goes on as the other side speaks shows that it was one.
func (c *Conversation) together(dir Direction, line []byte, g *Gist, found []Finding) []Finding {
	if !c.apart {
		c.apart, c.cause, c.causeDir = true, g.Command, dir
		if g.Command != CmdError {
			return found
		}
	}
	if text, ok := bytes.CutPrefix(trimNewline(line), []byte("ERROR ")); ok {
		if c.cause != CmdError && !isAbout(text, c.cause) {
			return found
		} // else that is what comes of it
		f := c.misfit()
		f.Verdict, f.Reply, f.Plain = ActError.String(), string(text), ellipsis
		c.toldPair = true
		return append(found, f)
	}
	says := formIn[g.Form]
	switch mine, other := c.detector.speaks(dir), c.detector.speaks(C2S+S2C-dir); {
	case says&mine != 0 && says&other == 0 && dir == c.causeDir:
		c.toldPair = true
		return append(found, c.misfit())
	case says&mine == 0 && says&other != 0 && dir == c.causeDir:
		c.toldPair = true
	}
	return found
}

// isAbout reports whether an ERROR answers a line with that command.
func isAbout(text []byte, cmd Command) bool {
	name := cmd.String()
	return bytes.Contains(text, []byte("'"+name)) || bytes.HasSuffix(text, []byte("invalid command: "+name))
}

func (c *Conversation) misfit() Finding {
	return Finding{Code: CodeMixedReleases, Detail: misfit(c.detector.speaks(C2S), c.detector.speaks(S2C)) + ". " + c.detector.mismatch()}
}

// names looks at the lines that name servers or say why a side gives up.
func (c *Conversation) names(p *peer, dir Direction, line []byte, g *Gist, found []Finding) []Finding {
	_, text, _ := cut(trimNewline(line))
	switch {
	case g.Command == CmdServer:
		return c.serverName(text, found)
	case g.Command == CmdError:
		p.ended = true // who sends ERROR closes
		if dir == C2S && string(text) == "Wrong remote" {
			found = append(found, c.wrongRemote())
		}
	case dir == S2C:
		c.ups[c.nextUp] = upSeen{nameHash(text), c.now}
		c.nextUp = (c.nextUp + 1) % len(c.ups)
	default:
		found = c.echo(text, found)
	}
	return found
}

func (c *Conversation) serverName(name []byte, found []Finding) []Finding {
	if c.server != "" && string(name) != c.server {
		f := Finding{Code: CodeServerName, Detail: "the master names another homeserver than before"}
		found = append(found, f.answered("Wrong remote"))
	}
	if string(name) != c.server {
		c.server = string(name)
	}
	return found
}

// wrongRemote explains the answer to a SERVER line.
func (c *Conversation) wrongRemote() Finding {
	name := "another homeserver"
	if isServerLike(c.server) {
		name = c.server
	}
	f := Finding{Code: CodeServerName, Detail: fmt.Sprintf("the master says that it is %s, but server_name in the worker's configuration is not that: "+
		"the worker closes and comes back, for ever; point it at its own master or make the names equal", name)}
	return f.answered("Wrong remote")
}

// isServerLike: what goes into a text must not be somebody's secret.
func isServerLike(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !bytes.ContainsRune([]byte(".-:[]_"), r) {
			return false
		}
	}
	return name != "" && len(name) <= 255
}

// echo: a worker that sends back what it was just sent makes a loop.
func (c *Conversation) echo(name []byte, found []Finding) []Finding {
	hash := nameHash(name)
	for _, up := range c.ups {
		if up.name == hash && c.now-up.at < echoTime && up.at != 0 {
			return append(found, Finding{Code: CodeEcho, Verdict: ActAccept.String(),
				Detail: "the worker sends back the REMOTE_SERVER_UP that the master has just sent it"})
		}
	}
	return found
}

// nameHash is FNV-1a.
func nameHash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
