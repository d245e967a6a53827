package wire

import "unicode/utf8"

// clean reports whether a line is, beyond doubt, as senders of set write it:
// the quick way for nearly all.
func (c *Conversation) clean(dir Direction, line []byte, g *Gist, set DialectSet) bool {
	set &= allowedIn[dir][g.Command] & formIn[g.Form]
	if set == 0 || g.Form == FormUnclear {
		return false
	}
	switch g.Command {
	case CmdRdata:
		return c.cleanRow(g, set)
	case CmdPosition:
		return len(g.Stream) > 0 && (g.Form == FormPosition2 || len(g.Instance) > 0) && utf8.Valid(line)
	case CmdPing:
		n := len(line)
		return n > len("PING \n") && line[n-2] != '\r' && utf8.Valid(line)
	}
	for d := endDialect - 1; d > noDialect; d-- {
		if set.Has(d) {
			return d.Parse(line, &c.parsed) == nil && len(c.parsed.Lenient) == 0
		}
	}
	return false
}

// cleanRow does for RDATA what Dialect.Parse does, by the view of the row.
func (c *Conversation) cleanRow(g *Gist, set DialectSet) bool {
	if !c.looked || c.view.whole != typeArray || c.view.notes&^(jsonSpaced|jsonTight|jsonSlash) != 0 {
		return false
	}
	if notes := c.view.notes; notes != 0 &&
		(notes&jsonSpaced != 0 && set&styledBy[styleSpaced] == 0 || notes&jsonTight != 0 && set&styledBy[styleTight] == 0 || notes&jsonSlash != 0 && set&styledBy[styleSlash] == 0) {
		return false
	}
	if len(g.Stream) == 0 || g.Form == FormRdata4 && len(g.Instance) == 0 {
		return false
	}
	return plainName(g.Stream) && plainName(g.Instance)
}

// plainName reports whether a name is of ASCII alone.
func plainName(name []byte) bool {
	for _, b := range name {
		if b <= ' ' || b >= 0x7F {
			return false
		}
	}
	return true
}
