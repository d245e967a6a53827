package wire

import (
	"fmt"
	"slices"
)

// Tokens: what POSITION and rows say of where a stream is, held against what was
// seen of it before and how its tokens behave.

// position is a POSITION of any release.
func (c *Conversation) position(g *Gist, set DialectSet, found []Finding) []Finding {
	t := c.find(g.Stream)
	if t == nil {
		return found
	}
	if g.Form == FormPosition2 {
		return c.positionOld(t, g, found)
	}
	if c.isOwn(g.Instance) {
		c.does(ActIgnore, CodeEcho)
		return append(found, ownFinding(CmdPosition))
	}
	found = c.between(t, found)
	if t.open > 0 {
		found = append(found, t.openFinding("and a POSITION makes receivers forget them"))
		t.open, c.open = 0, nil
	}
	t.ready = true
	w, found := t.writer(g.Instance, found)
	prev := g.Token
	if g.HasPrev {
		prev = g.Prev
	}
	if prev > g.Token {
		return append(found, Finding{Code: CodePositionOrder, Verdict: ActAccept.String(),
			Detail: fmt.Sprintf("POSITION of %s goes from %d to %d", t.stream.Name, prev, g.Token)})
	}
	if w == nil {
		return found
	}
	if w.known {
		found = w.moved(t.stream, prev, g.Token, found)
	}
	w.stand = max(w.stand, g.Token)
	if !w.known || !t.stream.Persistent() {
		w.stand = g.Token
	}
	w.known, w.at, w.high = true, g.Token, g.Token
	c.shares(t, g)
	if prev < g.Token {
		w.skipFrom, w.skipTo = prev, g.Token
	}
	return found
}

// moved holds a POSITION against what was seen of its writer before.
func (w *writer) moved(s *Stream, prev, token int64, found []Finding) []Finding {
	switch {
	case token < w.high:
		found = append(found, s.reset(token, w.high))
		*w = writer{name: w.name, known: true, stand: w.stand}
		return found
	case prev > w.high && s.Tokens&TokensSilent == 0:
		w.gapFrom, w.gapTo = w.high, prev
		return append(found, Finding{Code: CodeGap, Verdict: ActAccept.String(),
			Detail: fmt.Sprintf("POSITION of %s begins at %d, but the last seen was %d: receivers fetch what is between", s.Name, prev, w.high)})
	}
	return found
}

// reset is a POSITION lower than what was known before.
func (s *Stream) reset(token, before int64) Finding {
	why := "its writer goes by what its database has"
	if s.Tokens&TokensInMemory != 0 {
		why = "its writer was started again and counts anew"
	}
	return Finding{Code: CodeReset, Verdict: ActAccept.String(),
		Detail: fmt.Sprintf("POSITION of %s is at %d, below %d, where the receiver was: %s", s.Name, token, before, why)}
}

// positionOld ends the catch-up of a stream, up to 1.12.
func (c *Conversation) positionOld(t *track, g *Gist, found []Finding) []Finding {
	found = c.between(t, found)
	if t.hasFrom && g.Token < t.from {
		found = append(found, t.stream.reset(g.Token, t.from))
	}
	t.hasFrom = false
	if t.waiting = max(t.waiting-1, 0); t.waiting > 0 {
		return found
	}
	t.ready, t.readyAt = true, c.now
	if w := t.by(nil); w != nil {
		*w = writer{known: true, at: g.Token, high: g.Token, stand: g.Token}
	}
	return found
}

// rdata is a row of any release.
func (c *Conversation) rdata(g *Gist, set DialectSet, found []Finding) []Finding {
	t := c.find(g.Stream)
	if t == nil {
		return found
	}
	old := g.Form == FormRdata3
	if !old && c.isOwn(g.Instance) {
		c.does(ActIgnore, CodeEcho)
		return append(found, ownFinding(CmdRdata))
	}
	if c.open != nil && c.open != t {
		found = c.between(t, found)
	}
	if !old && !t.ready {
		c.does(ActIgnore, CodeEarlyRdata)
	}
	switch {
	case old && !t.asked && c.peers[C2S].heard && !c.blind && c.again(&t.early, CodeEarlyRdata):
		found = append(found, t.early.counted(Finding{Code: CodeEarlyRdata, Verdict: ActAccept.String(),
			Detail: fmt.Sprintf("a row of %s, which the worker has not asked for", t.stream.Name)}))
	case !old && !t.ready && c.again(&t.early, CodeEarlyRdata):
		found = append(found, t.early.counted(Finding{Code: CodeEarlyRdata, Verdict: ActIgnore.String(),
			Detail: fmt.Sprintf("a row of %s before the first POSITION of it on this connection: receivers throw it away", t.stream.Name)}))
	}
	w, found := t.writer(g.Instance, found)
	if found = c.group(t, g.Batch, found); g.Batch || w == nil {
		return found
	}
	if code := w.odd(t, g.Token, old, c, set); code != "" {
		does := ignoredIf(set, old)
		if does == ActIgnore.String() {
			c.does(ActIgnore, code)
		}
		if n := &t.odd[slices.Index(oddCodes[:], code)]; c.again(n, code) {
			f := Finding{Code: code, Verdict: does, Detail: w.oddText(code, t, g.Token)}
			found = append(found, n.counted(f))
		}
	}
	if g.Token > w.skipTo {
		w.skipFrom, w.skipTo = 0, 0
	}
	w.saw(g.Token)
	if !old {
		c.shares(t, g)
	}
	return found
}

// shares moves a receiver in the stream that has the same counter.
func (c *Conversation) shares(t *track, g *Gist) {
	if t.stream.SharesWith == "" {
		return
	}
	other := c.tracks[streamsByName[t.stream.SharesWith].index]
	if other == nil {
		return
	}
	for i := range other.writers {
		if w := &other.writers[i]; w.known && w.name == string(g.Instance) {
			w.stand = max(w.stand, g.Token)
		}
	}
}

// saw notes the token of a row.
func (w *writer) saw(token int64) {
	w.high, w.stand = max(w.high, token), max(w.stand, token)
	if !w.known {
		w.high, w.stand = token, token
	}
	w.known, w.hasRow, w.at, w.row = true, true, token, token
}

// refused: what a receiver refuses does not count, but the rows around it are
// not blamed for what it would have been.
func (c *Conversation) refused(g *Gist) {
	if c.open != nil && string(g.Stream) == c.open.stream.Name {
		c.open.open, c.open = 0, nil
	}
	if g.Form != FormRdata3 && g.Form != FormRdata4 || !g.HasToken {
		return
	}
	if t := c.find(g.Stream); t != nil {
		if w := t.by(g.Instance); w != nil && w.known && g.Token > w.at {
			w.saw(g.Token)
		}
	}
}

// oddCodes are what odd may say.
var oddCodes = [...]string{CodeDuplicateToken, CodeEmptySkip, CodeTokenRegress}

// odd says what is odd about a row's token, "" nearly always.
func (w *writer) odd(t *track, token int64, old bool, c *Conversation, set DialectSet) (code string) {
	tokens, last := t.stream.Tokens, w.stand
	if old {
		last = w.at // receivers take in whatever comes
	}
	if !w.known || token > last || tokens&TokensUnordered != 0 || old && t.waiting > 0 {
		return ""
	}
	switch {
	case w.hasRow && token == w.row:
		if old && (tokens&TokensRepeat != 0 || c.now-t.readyAt < flushTime) {
			return ""
		}
		return CodeDuplicateToken
	case token > w.skipFrom && token <= w.skipTo:
		return CodeEmptySkip
	case token > w.gapFrom && token <= w.gapTo && (!w.hasRow || token > w.row):
		return "" // said when the POSITION came
	case tokens&TokensBurst != 0 && set.First() <= v1_13:
		return ""
	case token == w.at && !w.hasRow:
		return CodeDuplicateToken
	}
	return CodeTokenRegress
}

// oddText is what odd means in words.
func (w *writer) oddText(code string, t *track, token int64) string {
	text := fmt.Sprintf("the row of %s has the token %d", t.stream.Name, token)
	switch {
	case code == CodeEmptySkip:
		return text + fmt.Sprintf(", but a POSITION said that there is none from %d to %d", w.skipFrom, w.skipTo)
	case code == CodeTokenRegress && token < w.at:
		return text + fmt.Sprintf(" after %d", w.at)
	case code == CodeTokenRegress:
		return text + fmt.Sprintf(", and a receiver is at %d already", w.stand)
	case w.hasRow && token == w.row:
		return text + ", as the one before it"
	}
	return text + ", which a POSITION has already announced"
}

// ignoredIf is what is done with a row whose token is not new: from 1.16 on it
// is thrown away.
func ignoredIf(set DialectSet, old bool) string {
	switch some, all := DiscardsOldTokens(set); {
	case old || !some:
		return ActAccept.String()
	case all:
		return ActIgnore.String()
	}
	return ""
}
