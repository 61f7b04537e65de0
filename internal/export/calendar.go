package export

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

const (
	refresh       = "PT6H"   // how often clients should fetch the feed
	dayBeforeAt9  = "-PT15H" // before midnight, when an all-day event starts
	maxListed     = 100      // matrices in a description; clients truncate longer ones
	calendarAgent = "matrix-expiry-report"
)

// Calendar writes an iCalendar feed (RFC 5545, text/calendar) in a language: an
// all-day event for each day and region in which matrices expire or have expired, in
// the time zone of the report, with a reminder at nine the day before. What expires
// at midnight is in the event of the day before, its last. Events link to consoleURL,
// unless it is empty. Matrices that expire after the report's days, or are being
// deleted, have no event.
//
// The UID of an event is its date and region, and its sequence number and the time of
// its last change are those of the report: clients replace an event that they have by
// one with a higher number, and keep it otherwise.
//
// A client that does not know the description of a calendar cannot show that it is
// incomplete, so an incomplete report also has an event on its own date. For a report
// that failed ([report.Report.Failed]) respond with an error instead, so that clients
// keep the events that they have.
//
// A matrix has expired if its expiry is not after the time of the report. Calendar
// returns errors of w, and an error for an unknown language or a text that iCalendar
// cannot represent.
func Calendar(w io.Writer, r report.Report, language, consoleURL string) error {
	c, err := locale.Of(language)
	if err != nil {
		return err
	}
	feed := calendar{ics.NewCalendar(), c, r.GeneratedAt.Time, consoleURL}
	feed.SetProductId("-//" + calendarAgent + "//EN") // RFC 5545 3.7.3
	feed.SetMethod(ics.MethodPublish)                 // RFC 5546 3.2.1
	feed.SetName(c.Text("calendar_name"))
	feed.SetLastModified(feed.now)
	feed.SetXWRTimezone(message.Visible(r.TimeZone))
	feed.SetRefreshInterval(refresh) // RFC 7986 5.7
	feed.SetXPublishedTTL(refresh)   // the same for Outlook
	if !r.Complete {
		feed.addIncomplete(r)
	}
	for _, day := range expiryDays(r.Findings) {
		feed.addDay(day)
	}
	if len(feed.Components) == 0 {
		// A calendar must not be empty (RFC 5545 3.6). Clients do not show a time zone.
		utc := feed.AddTimezone("Etc/UTC").AddStandard()
		utc.SetProperty(ics.ComponentPropertyDtStart, "19700101T000000")
		utc.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0000")
		utc.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0000")
	}
	var b bytes.Buffer // SerializeTo does not return every error of a writer
	if err := feed.SerializeTo(&b, ics.WithNewLineWindows); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// A calendar is a feed that is being written.
type calendar struct {
	*ics.Calendar
	c          *locale.Catalog
	now        time.Time // of the report
	consoleURL string
}

// add adds an all-day event.
func (cal calendar) add(date time.Time, place, summary, description string) *ics.VEvent {
	e := cal.AddEvent(date.Format(time.DateOnly) + "." + message.Visible(place) + "@" + calendarAgent)
	e.SetDtStampTime(cal.now)
	e.SetLastModifiedAt(cal.now)
	e.SetSequence(int(cal.now.Unix() / 60)) // in minutes: many clients store 32 bits
	e.SetAllDayStartAt(date)
	e.SetAllDayEndAt(date.AddDate(0, 0, 1)) // exclusive (RFC 5545 3.6.1)
	e.SetSummary(summary)
	e.SetDescription(description)
	e.SetTimeTransparency(ics.TransparencyTransparent) // the event does not block time
	return e
}

// addIncomplete states in the description of the calendar, and in an event, what is
// missing.
func (cal calendar) addIncomplete(r report.Report) {
	_, unread := message.Unread(r, cal.c)
	summary := cal.c.Text("incomplete", unread)
	cal.SetDescription(summary) // RFC 7986 5.2
	cal.SetXWRCalDesc(summary)  // the same for other clients
	var b strings.Builder
	b.WriteString(cal.c.Text("calendar_missing"))
	for _, p := range r.Problems {
		if !p.MayHideMatrices {
			continue
		}
		b.WriteByte('\n')
		if p.Region != "" {
			b.WriteString(cal.c.Region(message.Clean(p.Region)) + " ")
		}
		b.WriteString(message.Clean(message.ProblemText(cal.c, p)))
	}
	cal.add(cal.now, "incomplete", summary, b.String())
}

// addDay adds the event of the matrices that expire on one day in one region.
func (cal calendar) addDay(day []*report.Finding) {
	first, last := day[0], day[len(day)-1]
	summary := cal.summary(day)
	e := cal.add(first.ExpiresAt.LastDay().Time(), first.Region, summary, cal.description(day))
	if cal.consoleURL != "" {
		e.SetURL(cal.consoleURL)
	}
	if last.ExpiresAt.After(cal.now) { // some clients remind immediately of a past event
		alarm := e.AddAlarm()
		alarm.SetAction(ics.ActionDisplay)
		alarm.SetProperty(ics.ComponentPropertyDescription, summary)
		alarm.SetTrigger(dayBeforeAt9)
	}
}

// expiryDays returns the findings that expire or have expired, grouped by last day
// and region, in order of time.
func expiryDays(findings []report.Finding) (days [][]*report.Finding) {
	at := map[string][]*report.Finding{}
	for i := range findings {
		f := &findings[i]
		if slices.ContainsFunc(f.Reasons(), isExpiry) && !f.ExpiresAt.IsZero() { // a report read from JSON may have a reason without a date
			place := f.ExpiresAt.LastDay().String() + message.Visible(f.Region)
			at[place] = append(at[place], f)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(at)) {
		slices.SortFunc(at[place], func(a, b *report.Finding) int {
			return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt.Time), cmp.Compare(a.NodeID, b.NodeID))
		})
		days = append(days, at[place])
	}
	return days
}

func isExpiry(r report.Reason) bool { return r == report.Expired || r == report.Expiring }

// summary names the matrix, or the number of matrices.
func (cal calendar) summary(day []*report.Finding) string {
	phones := 0
	for _, f := range day {
		phones += f.PhoneCount
	}
	expired := !day[len(day)-1].ExpiresAt.After(cal.now)
	what, id := cal.c.Text("matrices", len(day)), "calendar_many_expire"
	switch {
	case len(day) == 1 && expired:
		what, id = message.Name(day[0].Matrix), "calendar_one_expired"
	case len(day) == 1:
		what, id = message.Name(day[0].Matrix), "calendar_one_expires"
	case expired:
		id = "calendar_many_expired"
	}
	return cal.c.Text(id, what, cal.c.Text("phones", phones), cal.c.Region(message.Clean(day[0].Region)))
}

// description lists the matrices by time, and where to renew them.
func (cal calendar) description(day []*report.Finding) string {
	var lines []string
	for _, f := range day[:min(len(day), maxListed)] {
		lines = append(lines, cal.c.Text("calendar_row", hour(f.ExpiresAt), message.Name(f.Matrix), message.Clean(f.NodeID), cal.c.Text("phones", f.PhoneCount)))
	}
	if rest := len(day) - maxListed; rest > 0 {
		lines = append(lines, cal.c.Text("page_more", rest))
	}
	if cal.consoleURL != "" {
		lines = append(lines, cal.c.Text("calendar_renew", cal.consoleURL)) // not every client shows the URL of an event
	}
	return strings.Join(lines, "\n")
}
