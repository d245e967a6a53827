package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"repltap/wire"
)

// CatchUp is the HTTP endpoint from which workers from 1.13 on fetch the rows
// that they missed.
type CatchUp struct {
	URL    string // of the process that serves it: http://127.0.0.1:9093
	Secret string // worker_replication_secret; workers send it from 1.25 on
}

// catchUpPath is where the endpoint is; stream and transaction follow.
const catchUpPath = "/_synapse/replication/get_repl_stream_updates/"

const (
	catchUpTimeout = 60 * time.Second // of one request
	catchUpPause   = time.Second      // after a request that timed out
	catchUpTries   = 6                // that find nobody, from 1.55 on, each after twice the pause
	// catchUpMost is how long an answer may be; a page has about 100 rows.
	catchUpMost = 64 << 20
)

var (
	since1_25 = wire.MustRelease("1.25.0")
	since1_55 = wire.MustRelease("1.55.0")
)

// overHTTP says from which release on workers fetch a stream over HTTP. What
// they miss of the others they read from the database.
var overHTTP = map[string]wire.Release{
	"typing":              wire.MustRelease("1.13.0"),
	"presence":            wire.MustRelease("1.13.0"),
	"federation":          wire.MustRelease("1.14.0"),
	"presence_federation": wire.MustRelease("1.33.0"),
}

// fetchesOverHTTP reports whether workers of a release do.
func fetchesOverHTTP(r wire.Release, stream string) bool {
	since, is := overHTTP[stream]
	return is && r >= since
}

// catchUpClient fetches pages of rows as a worker of one release does.
type catchUpClient struct {
	at      CatchUp
	release wire.Release
	clock   *clock
	http    *http.Client
}

func newCatchUpClient(at CatchUp, r wire.Release, clock *clock) *catchUpClient {
	t := &http.Transport{ // no proxy: workers use none for this
		DialContext: (&net.Dialer{Timeout: connectTimeout}).DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
	return &catchUpClient{at: at, release: r, clock: clock, http: &http.Client{Transport: t}}
}

func (c *catchUpClient) close() { c.http.CloseIdleConnections() }

// catchUpPage is what the endpoint answers.
type catchUpPage struct {
	Updates [][2]json.RawMessage `json:"updates"`
	Upto    *int64               `json:"upto_token"`
	Limited bool                 `json:"limited"`
}

// statusError is an answer that is no page.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return "the catch-up endpoint answers " + http.StatusText(e.code)
}

// fetch asks for a page. If patient, it tries again as workers do: for ever
// when there is no answer in time, some times when nobody is there.
func (c *catchUpClient) fetch(ctx context.Context, stream string, from, upto int64, patient bool) (rows []wire.FetchedRow, token int64, limited bool, err error) {
	at := fmt.Sprintf("%s%s%s/%s?from_token=%d&upto_token=%d", strings.TrimRight(c.at.URL, "/"), catchUpPath, stream, randomLetters(10), from, upto)
	for refused := 0; ; {
		page, err := c.get(ctx, at)
		switch {
		case err == nil:
			rows, err = page.rows()
			if err != nil {
				return nil, 0, false, err
			}
			return rows, *page.Upto, page.Limited, nil
		case ctx.Err() != nil || !patient:
			return nil, 0, false, err
		case isTimeout(err):
			c.clock.sleep(ctx, catchUpPause)
		case isNobody(err) && c.release >= since1_55 && refused < catchUpTries:
			c.clock.sleep(ctx, catchUpPause<<refused)
			refused++
		default:
			return nil, 0, false, err
		}
	}
}

func (c *catchUpClient) get(ctx context.Context, at string) (*catchUpPage, error) {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Synapse/"+c.release.String())
	req.Header.Set("Accept", "application/json")
	if c.at.Secret != "" && c.release >= since1_25 {
		req.Header.Set("Authorization", "Bearer "+c.at.Secret)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, &statusError{answer.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, catchUpMost+1))
	if err != nil {
		return nil, err
	}
	if len(body) > catchUpMost {
		return nil, fmt.Errorf("the catch-up endpoint answers with more than %d bytes", catchUpMost)
	}
	page := &catchUpPage{}
	if err := json.Unmarshal(body, page); err != nil || page.Upto == nil {
		return nil, errors.New("the catch-up endpoint's answer is no page of rows")
	}
	return page, nil
}

func (p *catchUpPage) rows() ([]wire.FetchedRow, error) {
	rows := make([]wire.FetchedRow, len(p.Updates))
	for i, u := range p.Updates {
		token, err := strconv.ParseInt(string(u[0]), 10, 64)
		if err != nil || u[1] == nil {
			return nil, errors.New("the catch-up endpoint's answer has a row without a token")
		}
		rows[i] = wire.FetchedRow{Token: token, Row: u[1]}
	}
	return rows, nil
}

// isTimeout: there was no answer in time, or one that says the same.
func isTimeout(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.code == http.StatusGatewayTimeout
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// isNobody: there is nobody to ask.
func isNobody(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func randomLetters(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}

// Check says whether the endpoint can be asked at all.
func (c *CatchUp) Check() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no address of an HTTP endpoint; write it like 127.0.0.1:9093 or http://master:9093", c.URL)
	}
	return nil
}
