package replay

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// What a run says of itself in its journal, for the comparison.

// planned is what a run of a plan is to do.
func (p *Plan) planned(as string, speed float64, lagLimit time.Duration) journal.Run {
	f := &p.options.Filter
	run := journal.Run{
		Journal: p.reader.Info().Path, As: as, Speed: speed, LagLimit: lagLimit, Gaps: p.Gaps,
		Conns: f.Conns, Workers: f.Workers, Streams: f.Streams, From: p.From, To: p.To, Begun: p.Begun(),
	}
	if len(p.oneSided) > 0 {
		run.LeftOut = []journal.LeftOut{{Why: journal.LeftOneSided, Conns: p.oneSided}}
	}
	dir := wire.S2C
	if as == journal.RunWorker {
		dir = wire.C2S
	}
	for _, r := range p.Conns {
		if r.fragments[dir].tooLong {
			run.LeftOut = leave(run.LeftOut, journal.LeftTooLong, "", r.Conn)
		}
	}
	return run
}

// plannedRun is what a master is to do.
func (m *master) plannedRun() journal.Run {
	run := m.plan.planned(journal.RunMaster, m.cfg.Speed, m.cfg.LagLimit)
	run.Rebased, run.ServerName, run.Expected = len(m.cfg.Rewrite.Tokens) > 0 || m.cfg.Rewrite.Follow, m.cfg.Rewrite.Server, m.cfg.Workers
	if to := m.cfg.Rewrite.Instance; to != "" {
		run.Rename = map[string]string{m.plan.Instance: to}
	}
	// Where only one worker was recorded, all of several are given what that was.
	run.Shared = m.cfg.Workers > 1 && !slices.ContainsFunc(m.plan.Conns, func(r *Recorded) bool { return r.Worker != m.plan.Conns[0].Worker })
	return run
}

// plannedRun is what the workers are to do.
func (p *player) plannedRun() journal.Run {
	run := p.plan.planned(journal.RunWorker, p.cfg.Speed, p.cfg.LagLimit)
	run.Rebased = len(p.cfg.Retell.Tokens) > 0 || p.cfg.Retell.Now
	return run
}

// ended adds to a run what came of it.
func (r *Result) ended(run *journal.Run, clock *schedule, fault error) {
	run.Ended, run.Complete, run.Interrupted, run.Notes = true, r.Complete, r.Interrupted, r.Notes
	if clock.begun {
		run.Began, run.Origin = clock.real, clock.origin
	}
	if r.Lags.Count() > 0 {
		us := func(d time.Duration) int64 { return d.Microseconds() }
		run.Lag = &journal.RunLag{P50: us(r.Lags.Quantile(0.5)), P99: us(r.Lags.Quantile(0.99)), Max: us(r.Lags.Max())}
	}
	if fault != nil {
		run.Complete, run.Fault = false, fault.Error()
	}
}

// says notes what the run says of itself now.
func (n *notes) says(t int64, what string, run journal.Run) {
	n.add(note{t: t, kind: journal.KindRun, event: journal.Event{What: what, Run: &run}})
}

// leave adds a recorded connection to those that are not played, or not to their
// end, for a reason.
func leave(list []journal.LeftOut, why, detail string, conn uint64) []journal.LeftOut {
	i := slices.IndexFunc(list, func(l journal.LeftOut) bool { return l.Why == why && l.Detail == detail })
	if i < 0 && detail != "" && len(list) >= manyNotes {
		return leave(list, why, "", conn)
	}
	if i < 0 {
		i, list = len(list), append(list, journal.LeftOut{Why: why, Detail: detail})
	}
	if conn != 0 {
		list[i].Conns = append(list[i].Conns, conn)
	}
	return list
}

// isLocal says that it is this process that lacks something.
func isLocal(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// plainError is an error of the network without the call and the address, which are
// said anyway.
func plainError(err error) string {
	var errno syscall.Errno
	var op *net.OpError
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}
