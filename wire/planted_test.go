package wire

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// spoken is a line of a capture.
type spoken struct {
	t    int64
	dir  Direction
	line string
}

func (c *capture) spoken() (all []spoken) {
	var splitters [C2S + 1]Splitter
	for _, r := range c.reads {
		dir, _ := ParseDirection(r.Dir)
		for p := range splitters[dir].Split(r.Data) {
			if p.Kind == PieceLine {
				all = append(all, spoken{r.T, dir, string(p.Text)})
			}
		}
	}
	return all
}

// listen gives the findings of a conversation: each as its code and the line
// that it came with.
func listen(lines []spoken, end int64) (codes []string) {
	c := NewConversation(AllReleases)
	var splitters [C2S + 1]Splitter
	for _, l := range lines {
		for p := range splitters[l.dir].Split([]byte(l.line)) {
			for _, f := range c.Observe(l.t, l.dir, p, nil) {
				if f.Code == CodeSilence || f.Code == CodePingLate {
					continue // a planted line may be the one at which it shows
				}
				codes = append(codes, fmt.Sprintf("%s at %.60q", f.Code, l.line))
			}
		}
	}
	for _, f := range c.End(end) {
		codes = append(codes, f.Code+" at the end")
	}
	return codes
}

// A plant makes one violation near line i and says which finding there is to
// be at which line; false when the place is no good for it.
type plant func(r *rand.Rand, lines []spoken, i int, d Dialect) (planted []spoken, code, at string, ok bool)

// insert plants a line of its own, in the words of the dialect.
func insert(dir Direction, code string, words func(d Dialect) string) plant {
	return func(_ *rand.Rand, lines []spoken, i int, d Dialect) ([]spoken, string, string, bool) {
		line := words(d)
		if line == "" {
			return nil, "", "", false
		}
		return slices.Insert(slices.Clone(lines), i, spoken{lines[i].t, dir, line}), code, line, true
	}
}

// same is words that are the same in all dialects.
func same(line string) func(Dialect) string { return func(Dialect) string { return line } }

// by tells apart releases up to 1.12, up to 1.21 and later ones.
func by(oldest, middle, newest string) func(Dialect) string {
	return func(d Dialect) string {
		switch {
		case d <= v1_9:
			return oldest
		case d <= v1_18:
			return middle
		}
		return newest
	}
}

// rdataOf takes RDATA with a number for a token apart; the last part is the row.
func rdataOf(line string, d Dialect) (head string, token int64, row string, ok bool) {
	g := GistOf([]byte(line))
	if g.Command != CmdRdata || !g.HasToken {
		return "", 0, "", false
	}
	head = "RDATA " + string(g.Stream) + " "
	if d > v1_9 {
		head += string(g.Instance) + " "
	}
	return head, g.Token, " " + string(g.Row) + "\n", true
}

// mutate plants by changing an RDATA line.
func mutate(code string, change func(line, head string, token int64, row string, s *Stream) string) plant {
	return func(_ *rand.Rand, lines []spoken, i int, d Dialect) ([]spoken, string, string, bool) {
		head, token, row, ok := rdataOf(lines[i].line, d)
		if !ok {
			return nil, "", "", false
		}
		g := GistOf([]byte(lines[i].line))
		line := change(lines[i].line, head, token, row, StreamOf(g.Stream))
		if line == "" {
			return nil, "", "", false
		}
		planted := slices.Clone(lines)
		planted[i].line = line
		return planted, code, line, true
	}
}

var plants = map[string]plant{
	"direction s2c":  insert(S2C, CodeDirection, same("NAME x\n")),
	"direction c2s":  insert(C2S, CodeDirection, same("SERVER x\n")),
	"direction data": insert(C2S, CodeDirection, by("RDATA typing 5 [\"!r:x\", []]\n", "RDATA typing w1 5 [\"!r:x\",[]]\n", "RDATA typing w1 5 [\"!r:x\",[]]\n")),
	"unknown s2c":    insert(S2C, CodeUnknownCommand, same("WIBBLE 1\n")),
	"unknown c2s":    insert(C2S, CodeUnknownCommand, same("FOO bar\n")),
	"lower case":     insert(C2S, CodeUnknownCommand, same("ping 5\n")),
	"arity position": insert(S2C, CodeArity, by("", "POSITION typing master\n", "POSITION typing master\n")),
	"arity sync":     insert(C2S, CodeArity, same("USER_SYNC @u:x\n")),
	"integer":        insert(S2C, CodeInteger, by("POSITION typing 5x\n", "POSITION typing master 5x\n", "POSITION typing master 5x 6\n")),
	"integer row":    insert(S2C, CodeInteger, by("RDATA typing 5x [\"!r:x\", []]\n", "RDATA typing master 5x [\"!r:x\",[]]\n", "RDATA typing master 5x [\"!r:x\",[]]\n")),
	"gone sync":      insert(S2C, CodeUnknownCommand, by("", "SYNC 5\n", "SYNC 5\n")),
	"gone cache":     insert(C2S, CodeUnknownCommand, by("", "INVALIDATE_CACHE f [\"a\"]\n", "INVALIDATE_CACHE f [\"a\"]\n")),
	"coming clear":   insert(C2S, CodeUnknownCommand, by("CLEAR_USER_SYNC AbCdE\n", "", "")),
	"coming lock":    insert(C2S, CodeUnknownCommand, same("LOCK_RELEASED [\"a\",\"b\",\"c\"]\n")),
	"gone ack":       insert(C2S, CodeArity, by("", "", "FEDERATION_ACK 5\n")),
	"coming ack":     insert(C2S, CodeInteger, by("FEDERATION_ACK w1 5\n", "", "")),
	"state word":     insert(C2S, CodeStateWord, by("USER_SYNC @u:x stop 5\n", "USER_SYNC AbCdE @u:x stop 5\n", "USER_SYNC AbCdE @u:x stop 5\n")),
	"json visit":     insert(C2S, CodeJSON, same("USER_IP @u:x [\"tok\"\n")),
	"nan":            insert(S2C, CodeNaN, by("", "", "RDATA caches master 5 [\"f\",[\"a\"],NaN]\n")),
	"utf8":           insert(C2S, CodeUTF8, same("PING \xff\xfe\n")),
	"too long s2c":   insert(S2C, CodeTooLong, same("PING "+strings.Repeat("1", MaxLine)+"\n")),
	"too long c2s":   insert(C2S, CodeTooLong, same("PING "+strings.Repeat("1", 3*MaxLine)+"\n")),
	"blank":          insert(C2S, CodeBlank, same("\n")),
	"crlf":           insert(S2C, CodeCRLF, same("PING 5\r\n")),
	"no space":       insert(C2S, CodeNoSpace, by("PING\n", "", "")),
	"unknown stream": insert(S2C, CodeUnknownStream, by("RDATA nosuch 5 [\"x\"]\n", "RDATA nosuch master 5 [\"x\"]\n", "RDATA nosuch master 5 [\"x\"]\n")),
	"server":         insert(S2C, CodeServerName, same("SERVER other.test\n")),
	"prev>new":       insert(S2C, CodePositionOrder, by("", "", "POSITION presence master 7 6\n")),
	"old rdata":      insert(S2C, CodeArity, by("", "RDATA typing 5 [\"!r:x\",[]]\n", "RDATA typing 5 [\"!r:x\",[]]\n")),
	"new rdata":      insert(S2C, CodeInteger, by("RDATA typing master 5 [\"!r:x\", []]\n", "", "")),
	"1.19 position":  insert(S2C, CodeArity, by("", "", "POSITION typing master 13\n")),
	"1.66 position":  insert(S2C, CodeInteger, by("POSITION typing master 13 13\n", "POSITION typing master 13 13\n", "")),
	"old sync":       insert(C2S, CodeArity, by("", "USER_SYNC @u:x start 5\n", "USER_SYNC @u:x start 5\n")),

	"json": mutate(CodeJSON, func(line, _ string, _ int64, _ string, _ *Stream) string {
		return strings.TrimSuffix(line, "]\n") + "\n"
	}),
	"row too long": mutate(CodeRowShape, func(line, _ string, _ int64, row string, s *Stream) string {
		return strings.TrimSuffix(line, "]\n") + separator(row) + "null]\n"
	}),
	"row type": mutate(CodeRowShape, func(line, _ string, _ int64, row string, s *Stream) string {
		if i := strings.IndexByte(row, '"'); i >= 0 {
			return strings.Replace(line, row[i:], "7"+row[i+1+strings.IndexByte(row[i+1:], '"')+1:], 1)
		}
		return ""
	}),
}

func separator(row string) string {
	if strings.Contains(row, ", ") {
		return ", "
	}
	return ","
}

// regress plants a row with a lower token than the one before it.
func regress(_ *rand.Rand, lines []spoken, i int, d Dialect) ([]spoken, string, string, bool) {
	head, token, row, ok := rdataOf(lines[i].line, d)
	if !ok || d <= v1_9 || token < 3 || StreamOf(GistOf([]byte(lines[i].line)).Stream).Tokens&(TokensUnordered|TokensBurst) != 0 {
		return nil, "", "", false
	}
	line := fmt.Sprintf("%s%d%s", head, token-2, row)
	return slices.Insert(slices.Clone(lines), i+1, spoken{lines[i].t, S2C, line}), CodeTokenRegress, line, true
}

// again plants a row twice.
func again(_ *rand.Rand, lines []spoken, i int, d Dialect) ([]spoken, string, string, bool) {
	if _, _, _, ok := rdataOf(lines[i].line, d); !ok || d <= v1_9 || StreamOf(GistOf([]byte(lines[i].line)).Stream).Tokens&TokensUnordered != 0 {
		return nil, "", "", false
	}
	return slices.Insert(slices.Clone(lines), i+1, lines[i]), CodeDuplicateToken, lines[i].line, true
}

// unclosed leaves the row out that ends a group, where another stream follows.
func unclosed(_ *rand.Rand, lines []spoken, i int, d Dialect) ([]spoken, string, string, bool) {
	g := GistOf([]byte(lines[i].line))
	if g.Command != CmdRdata || g.Batch {
		return nil, "", "", false
	}
	before := i - 1
	for before >= 0 && lines[before].dir != S2C {
		before--
	}
	if before < 0 || !GistOf([]byte(lines[before].line)).Batch {
		return nil, "", "", false
	}
	var after []spoken
	for _, l := range lines[i+1:] {
		if l.dir == S2C && len(after) < 2 {
			if bytes.Equal(GistOf([]byte(l.line)).Stream, g.Stream) {
				return nil, "", "", false
			}
			after = append(after, l)
		}
	}
	if len(after) < 2 {
		return nil, "", "", false
	}
	return slices.Delete(slices.Clone(lines), i, i+1), CodeBatchOpen, after[1].line, true
}

// own plants a row of the worker that gets it.
func own(_ *rand.Rand, lines []spoken, i int, d Dialect) ([]spoken, string, string, bool) {
	name := ""
	for _, l := range lines[:i] {
		name, _ = strings.CutPrefix(l.line, "NAME ")
		if name != l.line {
			break
		}
	}
	if d <= v1_9 || name == "" {
		return nil, "", "", false
	}
	line := "RDATA typing " + strings.TrimSuffix(name, "\n") + " 5 [\"!r:x\",[]]\n"
	return slices.Insert(slices.Clone(lines), i, spoken{lines[i].t, S2C, line}), CodeEcho, line, true
}

func init() {
	plants["own"] = own
	plants["regress"], plants["again"], plants["unclosed"] = regress, again, unclosed
}

// TestPlanted: of one violation in healthy traffic that one is found, and
// nothing else.
func TestPlanted(t *testing.T) {
	done := map[string]int{}
	for _, c := range captures(t) {
		if c.handMade() || len(c.reads) == 0 {
			continue
		}
		d, _ := ParseDialect(c.release)
		lines := c.spoken()
		// Before this nothing tells the releases of the two sides.
		first := slices.IndexFunc(lines, func(l spoken) bool { return GistOf([]byte(l.line)).Command == CmdPosition })
		if first++; first == 0 || first == len(lines) {
			continue
		}
		healthy := listen(lines, c.end)
		for name, plant := range plants {
			for seed := range int64(3) {
				r := rand.New(rand.NewSource(seed + int64(len(name)) + int64(len(lines))))
				for range 300 {
					planted, code, at, ok := plant(r, lines, first+r.Intn(len(lines)-first), d)
					if !ok {
						continue
					}
					done[name]++
					if got, want := others(listen(planted, c.end), healthy), fmt.Sprintf("%s at %.60q", code, at); len(got) != 1 || got[0] != want {
						t.Errorf("%s: planted %s: found %q, want %q", &c, name, got, want)
					}
					break
				}
			}
		}
	}
	for name := range plants {
		if done[name] == 0 {
			t.Errorf("%s was never planted", name)
		}
	}
}

// others is what of found is not in usual.
func others(found, usual []string) (rest []string) {
	usual = slices.Clone(usual)
	for _, f := range found {
		if i := slices.Index(usual, f); i >= 0 {
			usual = slices.Delete(usual, i, i+1)
		} else {
			rest = append(rest, f)
		}
	}
	return rest
}
