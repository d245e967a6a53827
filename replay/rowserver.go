package replay

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// RowServer is the HTTP endpoint at which workers from 1.13 on ask for rows that
// they have missed, of streams that their database does not have. It gives what
// the replayed master has written so far, and knows nothing that is older than
// the journal.
type RowServer struct {
	Plan    *Plan
	Rewrite Rewrite
	Secret  string // the bearer token that is asked for; "" asks for none
}

// serverRows is how many rows a page has, unless they share a token.
const serverRows = 100

// maxServed bounds what one answer reads.
const maxServed = 100_000

// ServeHTTP answers GET …/<stream>/<any text>?from_token=N&upto_token=N.
func (c *RowServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, catchUpPath)
	stream, txn, cut := strings.Cut(rest, "/")
	switch {
	case !ok || !cut || txn == "" || strings.Contains(txn, "/") || r.Method != http.MethodGet:
		rowsError(w, http.StatusNotFound, "M_UNRECOGNIZED", "Unrecognized request")
		return
	case !c.allowed(r):
		rowsError(w, http.StatusInternalServerError, "M_UNKNOWN", "Internal server error")
		return
	}
	from, err1 := strconv.ParseInt(r.URL.Query().Get("from_token"), 10, 64)
	upto, err2 := strconv.ParseInt(r.URL.Query().Get("upto_token"), 10, 64)
	switch {
	case err1 != nil || err2 != nil:
		rowsError(w, http.StatusBadRequest, "M_INVALID_PARAM", "from_token and upto_token have to be integers")
	case !c.publishes(stream):
		rowsError(w, http.StatusBadRequest, "M_UNKNOWN", "Unknown stream")
	default:
		c.answer(w, stream, from, upto)
	}
}

func (c *RowServer) allowed(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return c.Secret == "" || ok && subtle.ConstantTimeCompare([]byte(given), []byte(c.Secret)) == 1
}

func (c *RowServer) publishes(stream string) bool {
	for _, s := range c.Plan.Streams {
		if s.Name == stream {
			return true
		}
	}
	return false
}

func (c *RowServer) answer(w http.ResponseWriter, stream string, from, upto int64) {
	rewriter := newRewriter(c.Rewrite, c.Plan)
	shift := rewriter.shift(stream)
	rows, limited, err := c.Plan.past.page(stream, from-shift, upto-shift, serverRows)
	if err != nil || len(rows) > maxServed {
		rowsError(w, http.StatusInternalServerError, "M_UNKNOWN", "Internal server error")
		return
	}
	var b bytes.Buffer
	b.WriteString(`{"updates":[`)
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('[')
		b.WriteString(strconv.FormatInt(row.Token+shift, 10))
		b.WriteByte(',')
		b.Write(bytes.TrimSpace(row.JSON))
		b.WriteByte(']')
	}
	if limited {
		upto = rows[len(rows)-1].Token + shift
	}
	b.WriteString(`],"upto_token":` + strconv.FormatInt(upto, 10) + `,"limited":` + strconv.FormatBool(limited) + `}`)
	w.Header().Set("Content-Type", "application/json")
	w.Write(b.Bytes())
}

func rowsError(w http.ResponseWriter, status int, code, text string) {
	body, _ := json.Marshal(struct { // strings never fail
		Code  string `json:"errcode"`
		Error string `json:"error"`
	}{code, text})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
