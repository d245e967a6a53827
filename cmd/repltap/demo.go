package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"repltap/journal"
	"repltap/wire"
)

func demoCommand() *command {
	return &command{
		name: "demo", args: "[--keep DIR]",
		summary: "see it work: real traffic through a real tap, in a few seconds",
		long: `
Plays recorded traffic of real Synapse processes through a tap on this machine:
the demo is the workers on one side and the master on the other, the tap between
them is the one of repltap record. Then it compares the bytes at both ends,
verifies the journal and shows a piece of it. Nothing has to be installed, and
nothing stays behind unless --keep says where.`,
		examples: []string{"repltap demo", "repltap demo --keep traffic/"},
		setup: func(fs *pflag.FlagSet) runFunc {
			keep := fs.String("keep", "", "keep the journal in this `directory`, to look around in it")
			return func(ctx context.Context, e *env, args []string) error {
				if len(args) > 0 {
					return usageErrorf("there is an argument too many: %s", args[0])
				}
				return runDemo(ctx, e, *keep)
			}
		},
	}
}

// demoTimeout is far more than a demo takes anywhere; a stuck one must end.
const demoTimeout = 30 * time.Second

// demo is one run of the demo.
type demo struct {
	e       *env
	st      style
	dir     string
	scripts []*script
	master  *net.TCPListener
	addr    net.Addr // the tap's
	took    time.Duration
}

func runDemo(ctx context.Context, e *env, keep string) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	scripts, err := demoScripts()
	if err != nil {
		return err
	}
	d := &demo{e: e, st: newStyle(e.colored(e.stdout)), dir: keep, scripts: scripts}
	if keep == "" {
		if d.dir, err = os.MkdirTemp("", "repltap-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(d.dir)
	} else if err := mustBeEmpty(keep); err != nil {
		return err
	}
	return d.run(ctx, keep != "")
}

// mustBeEmpty keeps a demo out of a journal that somebody needs.
func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return withHint(fmt.Errorf("%s is not empty", dir), "give --keep a directory that does not exist yet")
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (d *demo) run(ctx context.Context, kept bool) error {
	if err := d.record(ctx); err != nil {
		return err
	}
	if err := d.compare(ctx); err != nil {
		return err
	}
	if err := d.verify(ctx); err != nil {
		return err
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	return d.e.print(d.next(kept))
}

// say prints one step of the story.
func (d *demo) say(what, format string, args ...any) error {
	return d.e.print(fmt.Sprintf("%s%-9s%s %s\n", d.st.bold, what, d.st.off, fmt.Sprintf(format, args...)))
}

// totals are lines and bytes of all that is played.
func (d *demo) totals() (lines, s2c, c2s int64) {
	for _, s := range d.scripts {
		lines += s.lines
		s2c += int64(len(s.whole[wire.S2C]))
		c2s += int64(len(s.whole[wire.C2S]))
	}
	return lines, s2c, c2s
}

// record plays all scripts through a tap, and ends the recording.
func (d *demo) record(ctx context.Context) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.master = ln.(*net.TCPListener)
	defer ln.Close()
	ready := make(chan net.Addr, 1)
	rec, err := newRecording(recordingOptions{
		listen: "127.0.0.1:0", upstream: ln.Addr().String(), dir: d.dir, dialect: wire.AllReleases, queue: 64 << 20,
		journal: demoJournalOptions(), log: slog.New(slog.NewTextHandler(d.e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		ready: func(a net.Addr) { ready <- a },
	})
	if err != nil {
		return err
	}
	tapCtx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- rec.run(tapCtx) }()
	select {
	case d.addr = <-ready:
		if err = d.playAll(ctx); err == nil {
			rec.drained(ctx)
		}
	case err = <-ended:
		return err
	}
	stop()
	return errors.Join(err, <-ended)
}

func demoJournalOptions() journal.Options {
	return journal.Options{
		RotateSize: 256 << 20, RotateInterval: time.Hour, FlushInterval: time.Second, Source: "demo", // nothing is redacted: the traffic is invented, and compared with the journal
	}
}

// playAll makes the connections, one after another so that it is known which
// is which, and plays them all at once.
func (d *demo) playAll(ctx context.Context) error {
	lines, s2c, c2s := d.totals()
	err := errors.Join(
		d.say("traffic", "%s of real Synapse 1.66.0 processes: %s", plural(int64(len(d.scripts)), "recorded connection"), plural(lines, "line")),
		d.say("tap", "listening on %s, in front of a master on %s", d.addr, d.master.Addr()))
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for _, s := range d.scripts {
		worker, master, err := d.connect(ctx)
		if err != nil {
			group.Go(func() error { return err })
			break
		}
		for _, p := range peersOf(s, worker, master) {
			group.Go(func() error {
				defer context.AfterFunc(ctx, func() { p.conn.Close() })()
				return p.play()
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	d.took = time.Since(start)
	return d.say("played", "both ends in %s; each got, byte for byte, what the other sent: %s bytes to the workers, %s to the master",
		durationText(d.took.Round(time.Millisecond)), thousands(s2c), thousands(c2s))
}

func peersOf(s *script, worker, master *net.TCPConn) []*demoPeer {
	w, m := newDemoPeers(s, worker, master)
	return []*demoPeer{w, m}
}

// connect makes one connection through the tap and gives both of its ends.
func (d *demo) connect(ctx context.Context) (worker, master *net.TCPConn, err error) {
	var dialer net.Dialer
	w, err := dialer.DialContext(ctx, "tcp", d.addr.String())
	if err != nil {
		return nil, nil, err
	}
	d.master.SetDeadline(time.Now().Add(demoTimeout))
	m, err := d.master.Accept()
	if err != nil {
		w.Close()
		return nil, nil, err
	}
	return w.(*net.TCPConn), m.(*net.TCPConn), nil
}

// compare reads the journal back and compares it with what was sent.
func (d *demo) compare(ctx context.Context) error {
	r, err := journal.Open(d.dir)
	if err != nil {
		return err
	}
	defer r.Close()
	var got [][3][]byte
	for rec, err := range r.Records(ctx, journal.Filter{}) {
		if err != nil {
			return err
		}
		for uint64(len(got)) < rec.Conn {
			got = append(got, [3][]byte{})
		}
		if len(rec.Data) > 0 {
			got[rec.Conn-1][rec.Dir] = append(got[rec.Conn-1][rec.Dir], rec.Data...)
		}
	}
	for i, s := range d.scripts {
		for dir := wire.S2C; dir <= wire.C2S; dir++ {
			if i >= len(got) || !bytes.Equal(got[i][dir], s.whole[dir]) {
				return fmt.Errorf("the journal has other bytes of connection %d %s than were sent", i+1, dir)
			}
		}
	}
	_, s2c, c2s := d.totals()
	size := r.Info().Bytes
	return d.say("journal", "has the same bytes again: %s of traffic in %s on disk", sizeText(s2c+c2s), sizeText(size))
}

func (d *demo) verify(ctx context.Context) error {
	rep, err := journal.Verify(ctx, d.dir, nil)
	if err != nil {
		return err
	}
	if !reportClean(rep) {
		d.e.print(string(reportText(rep, d.dir, d.st)))
		return errors.New("the journal does not verify")
	}
	return d.say("verify", "%s, %s, every checksum right, nothing missing", plural(int64(rep.Blocks), "block"), plural(rep.Records, "record"))
}

// demoShown is how many of the journal's last lines are shown.
const demoShown = 12

// show prints the end of the first connection.
func (d *demo) show(ctx context.Context) error {
	r, err := journal.Open(d.dir)
	if err != nil {
		return err
	}
	defer r.Close()
	printer := newTextPrinter(d.st)
	var last [][]byte
	for rec, err := range r.Records(ctx, journal.Filter{Conns: []uint64{1}}) {
		if err != nil {
			return err
		}
		last = append(last, printer.append(nil, rec))
		if len(last) > demoShown {
			last = last[1:]
		}
	}
	return d.e.print("\nThe end of the first connection (-> to the worker, <- from the worker):\n\n" + string(bytes.Join(last, nil)))
}
