package state

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"matrix-expiry-report/report"
)

// The zone of the simulated reports.
var simZone = time.FixedZone("UTC+8", 8*60*60)

// A simWorld is everything that one seed draws: matrices and what happens to
// them, events and how the platform delivers them.
type simWorld struct {
	seed        uint64
	start       time.Time
	days        int
	storeFaults int           // of 1,000 operations
	crashes     int           // of 100 attempts
	outages     int           // of 100 attempts: nothing of the store answers
	chatFaults  int           // of 100 messages
	incomplete  int           // of 100 listings
	timeout     time.Duration // of a run
	realCodec   bool          // records are encoded as they are in a store

	history    []truth
	deliveries []delivery
}

// A truth is which matrices exist from a time on.
type truth struct {
	from     time.Time
	matrices map[string]Matrix
}

// A delivery is one time that the platform starts an event.
type delivery struct {
	at       time.Time
	event    string
	channels []string
	partial  bool
}

var simRegions = []string{"cn-hangzhou", "cn-shanghai", "eu-central-1"}

func drawWorld(seed uint64, start time.Time, matrices, days int) *simWorld {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(choices ...int) int { return choices[r.IntN(len(choices))] }
	w := &simWorld{
		seed: seed, start: start, days: days, realCodec: seed%16 == 0,
		storeFaults: pick(0, 0, 5, 30), crashes: pick(0, 5, 25), outages: pick(0, 0, 5), chatFaults: pick(0, 5, 25), incomplete: pick(0, 10, 40),
	}
	w.timeout = time.Duration(pick(70, 120, 300)) * time.Second
	w.drawMatrices(r, matrices)
	w.drawEvents(r)
	return w
}

func (w *simWorld) drawMatrices(r *rand.Rand, count int) {
	now := map[string]Matrix{}
	created := 0
	create := func(at time.Time) {
		id := fmt.Sprintf("cpn-%04d", created)
		created++
		now[id] = Matrix{ID: id, Name: "m" + id[4:], Region: simRegions[r.IntN(3)], Expires: at.Add(time.Duration(r.IntN(70*24*60)-5*24*60) * time.Minute)}
	}
	for range count {
		create(w.start)
	}
	w.history = append(w.history, truth{w.start, maps.Clone(now)})
	for day := range w.days {
		at := w.start.AddDate(0, 0, day).Add(time.Duration(r.IntN(24*60)) * time.Minute)
		if r.IntN(3) == 0 { // while runs list
			at = w.start.AddDate(0, 0, day).Add(67*time.Minute + time.Duration(r.IntN(90))*time.Second)
		}
		for _, id := range slices.Sorted(maps.Keys(now)) {
			m := now[id]
			left := m.Expires.Sub(at)
			switch dice := r.IntN(200); {
			case left < -10*24*time.Hour, dice == 0: // released
				delete(now, id)
				continue
			case left < 8*24*time.Hour && dice < 20, dice == 1:
				m.Expires = m.Expires.AddDate(0, 0, []int{7, 31, 365}[r.IntN(3)])
			case dice == 2:
				m.Reason = report.Failed
			case dice < 40 && m.Reason == report.Failed: // repaired
				m.Reason = ""
			}
			now[id] = m
		}
		for len(now) < count && r.IntN(3) > 0 {
			create(at)
		}
		w.history = append(w.history, truth{at, maps.Clone(now)})
	}
}

// drawEvents draws a timer event per day, at 09:07, and events by HTTP.
func (w *simWorld) drawEvents(r *rand.Rand) {
	for day := range w.days {
		at := w.start.AddDate(0, 0, day).Add(67 * time.Minute)
		event := "timer " + at.Format(time.RFC3339)
		switch dice := r.IntN(20); dice {
		case 0: // missed
		case 1: // late, together with the next day's
			w.deliveries = append(w.deliveries, delivery{at.Add(24*time.Hour + time.Duration(r.IntN(60000))*time.Millisecond), event, simChannels, false})
		case 2, 3, 4: // doubled
			second := at.Add(time.Duration(r.IntN(90_000)) * time.Millisecond)
			w.deliveries = append(w.deliveries, delivery{at, event, simChannels, false}, delivery{second, event, simChannels, false})
		case 5: // delivered again much later
			w.deliveries = append(w.deliveries, delivery{at, event, simChannels, false}, delivery{at.Add(time.Duration(r.IntN(48*60)) * time.Minute), event, simChannels, false})
		default:
			w.deliveries = append(w.deliveries, delivery{at, event, simChannels, false})
		}
		if r.IntN(8) == 0 {
			near := at.Add(time.Duration(r.IntN(240)-60) * time.Second)
			w.deliveries = append(w.deliveries, delivery{near, fmt.Sprint("request ", day), simChannels, r.IntN(3) == 0})
		}
		if r.IntN(4) == 0 { // to another channel, so that it does not wait for the others
			near := at.Add(time.Duration(r.IntN(60)) * time.Second)
			w.deliveries = append(w.deliveries, delivery{near, fmt.Sprint("other request ", day), []string{"other"}, true})
		}
	}
	for i := range w.deliveries { // no two at the same instant
		w.deliveries[i].at = w.deliveries[i].at.Add(time.Duration(i) * time.Microsecond)
	}
	slices.SortFunc(w.deliveries, func(a, b delivery) int { return a.at.Compare(b.at) })
}

// list returns what a listing at that time reads: everything, or with an
// incomplete one a part, and maybe not every region.
func (w *simWorld) list(r *rand.Rand, at time.Time) Listing {
	i, _ := slices.BinarySearchFunc(w.history, at, func(t truth, at time.Time) int { return cmp.Or(t.from.Compare(at), -1) })
	all := w.history[max(0, i-1)].matrices
	l := Listing{At: at, Complete: r.IntN(100) >= w.incomplete}
	missing := ""
	if !l.Complete {
		missing = simRegions[r.IntN(3)]
		l.Problems = []string{"incomplete " + missing}
	}
	for _, region := range simRegions {
		l.Areas = append(l.Areas, Area{"", region})
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if m := all[id]; m.Region != missing || r.IntN(2) == 0 {
			m.Reason, m.Severity = simRule(m, at)
			l.Matrices = append(l.Matrices, m)
		}
	}
	return l
}

// simRule returns the finding of a matrix, whose Reason is failed or empty.
func simRule(m Matrix, at time.Time) (report.Reason, report.Severity) {
	left := simDays(m.Expires.Add(-1)) - simDays(at)
	switch {
	case m.Reason == report.Failed:
		return report.Failed, report.Critical
	case !m.Expires.After(at):
		return report.Expired, report.Critical
	case left <= 3:
		return report.Expiring, report.Critical
	case left <= 7:
		return report.Expiring, report.Warning
	case left <= 30:
		return report.Expiring, report.Notice
	}
	return "", ""
}

// simDays counts days in simZone, in another way than dayNumber.
func simDays(t time.Time) int { return int((t.Unix() + 8*3600) / 86400) }
