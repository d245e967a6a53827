package profile

import (
	"encoding/json"
	"fmt"
)

// naming gives people, rooms and devices names under which they are shown. It is
// one for a profile: who is "user 1" in one table is so in all.
type naming struct {
	reveal bool
	given  [numAspects]map[string]string
	count  [numAspects]int
}

func newNaming(o Options) *naming { return &naming{reveal: o.Reveal} }

// private are the aspects of which only numbers are shown.
func (a aspect) private() bool {
	return a == aspectUser || a == aspectRoom || a == aspectGroup || a == aspectDevice
}

// of is the name for what stands in a row. Numbers are given in the order in
// which they are asked for.
func (n *naming) of(a aspect, key string) string {
	if n.reveal || !a.private() {
		return unescaped(key)
	}
	if name, ok := n.given[a][key]; ok {
		return name
	}
	if n.given[a] == nil {
		n.given[a] = map[string]string{}
	}
	n.count[a]++
	name := fmt.Sprintf("%s %d", aspectNames[a], n.count[a])
	n.given[a][key] = name
	return name
}

// unescaped is a JSON string's text.
func unescaped(key string) string {
	var text string
	if json.Unmarshal([]byte(`"`+key+`"`), &text) != nil {
		return key
	}
	return text
}
