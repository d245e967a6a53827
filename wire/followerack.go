package wire

import "strconv"

// What a worker that sends to other servers says of the federation stream: how
// far it has come, so that the master need not keep what is before that. Up to
// 1.12 that is said of rows, from 1.14 on of POSITIONs too, and again if nothing is
// new; 1.13 tries to and fails. A real one says it once for rows that come together,
// since it writes the token down in between.

// acknowledge says on all connections that the worker stands at token.
func (f *Follower) acknowledge(s *followed, token int64, rows int) {
	switch {
	case !f.config.SendsFederation || s == nil || s.name != "federation" || f.has&ftAcks == 0:
		return
	case f.has&ftSubscribes != 0 && (rows == 0 || token <= f.acked):
		return
	}
	f.acked = token
	words := []string{"FEDERATION_ACK ", "", strconv.FormatInt(token, 10)}
	if f.release.Writes(FormAck2) {
		words[1] = f.config.Name + " "
	}
	for _, c := range f.conns {
		f.write(c, f.now, words...)
	}
}
