package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// private is a line of any kind that is full of what is somebody's.
func (p planter) private(local, word string) string {
	s := styles[p.IntN(len(styles))]
	user, room, event := s.str("@"+local+":lab.test"), s.str("!"+word+":lab.test"), s.str("$"+local+word)
	text := s.str(word + " " + local)
	id := strings.Trim(user, `"`)
	rdata := func(stream string, row ...string) string {
		return "RDATA " + stream + p.pick("", " master") + p.pick(" 5", " batch") + " " + s.array(row...)
	}
	edu := s.object("edu_type", `"m.receipt"`, "content", s.object(word, s.object("m.read", s.object(local, s.object("event_ids", s.array(event))))),
		"origin", `"lab.test"`, "destination", `"example.org"`)
	presence := []string{user, `"online"`, "1", "2", "3", text, "true"}
	switch p.IntN(22) {
	case 0:
		return "USER_SYNC " + id + " start 5"
	case 1:
		return "USER_SYNC AbCdE " + id + " end 5"
	case 2:
		return "USER_SYNC AbCdE " + id + " " + word + " end " + p.pick("", "online ") + "5"
	case 3:
		return "USER_IP " + id + " " + s.array(s.str(word), s.str("::1"), text, s.str(local), "5")
	case 4:
		return "USER_IP " + id + " tok ::1 " + word + " 5 " + word + "/5.0 (" + local + ")"
	case 5:
		return "REMOVE_PUSHER " + word + " " + local + " " + id
	case 6:
		return "INVALIDATE_CACHE get_user_by_id " + s.array(user, room, text)
	case 7:
		return `LOCK_RELEASED ` + s.array(`"w1"`, `"lock"`, p.pick(user, room, text))
	case 8:
		return rdata("presence", presence...)
	case 9:
		return rdata("typing", room, s.array(user, user))
	case 10:
		return rdata("events", `"ev"`, s.array(event, room, `"m.room.member"`, user, event, p.pick("null", event)))
	case 11:
		return rdata("events", `"state"`, s.array(room, `"m.room.topic"`, text, event))
	case 12:
		return rdata("backfill", event, room, `"m.room.message"`, text, "null")
	case 13:
		return rdata("receipts", room, `"m.read"`, user, event, p.pick("null", event), s.object("ts", "5", word, text))
	case 14:
		return rdata("caches", `"cs_cache_fake"`, s.array(room, user, text), "5")
	case 15:
		return rdata("caches", `"get_user_by_id"`, s.array(s.array(text), s.object(local, text)), "5")
	case 16:
		return rdata("federation", `"k"`, s.object("key", s.array(`"m.receipt"`, room), "edu", edu))
	case 17:
		return rdata("federation", `"pd"`, s.object("state", s.object("user_id", user, "status_msg", text, "state", `"online"`), "dests", s.array(`"example.org"`)))
	case 18:
		return rdata("groups", s.str("+"+word+":lab.test"), user, `"join"`, s.object("profile", s.object(word, text)))
	case 19:
		return rdata(p.pick("to_device", "push_rules", "device_lists", "user_signature"), user)
	case 20:
		return rdata("pushers", user, s.str(word), text, "0")
	}
	return rdata(p.pick("presence", "typing", "events", "thread_subscriptions", "public_rooms", "nosuch"), presence[:p.IntN(8)]...)
}

// TestRedactPrivate: at personal nobody's names are left, and no good line is
// lost.
func TestRedactPrivate(t *testing.T) {
	r := redactors()[RedactPersonal]
	for seed := range 2500 {
		p := planter{rand.New(rand.NewPCG(uint64(seed), 2))}
		local, word := p.letters(9, "abcdefghijklmnopqrstuvwxyz0123456789")+"_aeou", p.letters(8, alnum)+"aeou"
		line := p.private(local, word)
		good := true
		switch p.IntN(4) {
		case 0:
			line = p.echo(line, word)
		case 1:
			colons := strings.Count(line, ":")
			line = p.spoil(line)
			good = false
			if strings.Count(line, ":") > colons {
				continue // what comes after one more is a server
			}
		}
		out := keepOf(r, p.chop([]byte(line+"\n")))
		if good && len(out) != len(line)+1 {
			t.Errorf("seed %d: %q is not kept", seed, line)
		}
		for _, value := range []string{local, word} {
			if l := leak(out, value); l != "" {
				t.Errorf("seed %d: %q is in\n\t%.700q\nof\n\t%.700q", seed, l, out, line)
			}
		}
	}
}
