package export

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"matrix-expiry-report/report"
)

const (
	calendarName  = "Matrix expiry"
	refresh       = "PT6H"   // how often to ask again; the report is a matter of days
	dayBeforeAt9  = "-PT15H" // before midnight, with which an event of a whole day begins
	maxListed     = 100      // matrices in a description: calendars cut off long ones
	calendarAgent = "matrix-expiry-report"
)

// Calendar writes a feed to subscribe to (RFC 5545, text/calendar): one event
// of a whole day for each date and region in which matrices expire or have
// expired, in the report's zone, with a reminder at nine the day before. An
// event is known by its date and region alone, so that a renewal moves it
// rather than doubles it. What expires later than the report looks, and what
// is being deleted, is not in it.
//
// Feeds cannot say that they are incomplete, so an incomplete report has an
// event on its own date that does. A report of which nothing could be read
// ([report.Report.Failed]) had better be an error to who asks, whose program
// then keeps what it had.
//
// now tells what has expired. An error is the writer's or of a text that a
// calendar cannot hold.
func Calendar(w io.Writer, r report.Report, now time.Time) error {
	cal := ics.NewCalendar()
	cal.SetProductId("-//" + calendarAgent + "//EN") // RFC 5545 3.7.3
	cal.SetXWRCalName(calendarName)
	cal.SetXWRTimezone(visible(r.TimeZone))
	cal.SetRefreshInterval(refresh) // RFC 7986 5.7
	cal.SetXPublishedTTL(refresh)   // the same for Outlook
	add := func(date time.Time, place, summary, description string) *ics.VEvent {
		e := cal.AddEvent(date.Format(time.DateOnly) + "." + visible(place) + "@" + calendarAgent)
		e.SetDtStampTime(r.GeneratedAt.Time)
		e.SetAllDayStartAt(date) // without an end it takes that day, RFC 5545 3.6.1
		e.SetSummary(summary)
		e.SetDescription(description)
		e.SetTimeTransparency(ics.TransparencyTransparent) // nobody is busy because of it
		return e
	}
	if !r.Complete {
		summary := fmt.Sprintf("Incomplete: %d of about %d matrices could be read", r.Listed, r.Total)
		var b strings.Builder
		b.WriteString("Expiries may be missing from this calendar.")
		for _, p := range r.Problems {
			if p.MayHideMatrices {
				b.WriteString("\n" + short(strings.TrimSpace(p.Region+" "+p.Code+": "+p.Message)))
			}
		}
		add(r.GeneratedAt.Time, "incomplete", summary, b.String())
	}
	for _, day := range expiryDays(r.Findings) {
		first, last := day[0], day[len(day)-1]
		summary, description := describe(day, now)
		e := add(first.ExpiresAt.Time, first.Region, summary, description)
		if last.ExpiresAt.After(now) { // some calendars remind at once of what is past
			alarm := e.AddAlarm()
			alarm.SetAction(ics.ActionDisplay)
			alarm.SetProperty(ics.ComponentPropertyDescription, summary)
			alarm.SetTrigger(dayBeforeAt9)
		}
	}
	if len(cal.Components) == 0 {
		// A calendar has to hold something (RFC 5545 3.6); a zone shows nowhere.
		utc := cal.AddTimezone("Etc/UTC").AddStandard()
		utc.SetProperty(ics.ComponentPropertyDtStart, "19700101T000000")
		utc.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0000")
		utc.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0000")
	}
	var b bytes.Buffer // SerializeTo does not tell every error of a writer
	if err := cal.SerializeTo(&b, ics.WithNewLineWindows); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// expiryDays are the findings that expire or have expired, those of one date
// and region together, in order of time.
func expiryDays(findings []report.Finding) (days [][]*report.Finding) {
	type place struct{ date, region string }
	at := map[place][]*report.Finding{}
	for i := range findings {
		f := &findings[i]
		ends := ended(f.Reason) || slices.ContainsFunc(f.OtherReasons, ended)
		if ends && !f.ExpiresAt.IsZero() { // a report read from JSON may say one without the other
			p := place{f.ExpiresAt.Format(time.DateOnly), visible(f.Region)}
			at[p] = append(at[p], f)
		}
	}
	places := slices.SortedFunc(maps.Keys(at), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.region, b.region))
	})
	for _, p := range places {
		slices.SortFunc(at[p], func(a, b *report.Finding) int {
			return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt.Time), cmp.Compare(a.NodeID, b.NodeID))
		})
		days = append(days, at[p])
	}
	return days
}

func ended(r report.Reason) bool { return r == report.Expired || r == report.Expiring }

// describe words the event of matrices that expire on one date in one region.
func describe(day []*report.Finding, now time.Time) (summary, description string) {
	phones := 0
	var b strings.Builder
	for i, f := range day {
		phones += f.PhoneCount
		switch {
		case i < maxListed:
			fmt.Fprintf(&b, "%s %s (%s), %s\n", f.ExpiresAt.Format("15:04"), nameOf(f.Matrix), short(f.NodeID), counted(f.PhoneCount, "phone", "phones"))
		case i == maxListed:
			fmt.Fprintf(&b, "and %d more\n", len(day)-maxListed)
		}
	}
	verb := "expire"
	switch {
	case !day[len(day)-1].ExpiresAt.After(now):
		verb = "expired"
	case len(day) == 1:
		verb = "expires"
	}
	summary = fmt.Sprintf("%s %s (%s), %s", counted(len(day), "matrix", "matrices"), verb, counted(phones, "phone", "phones"), short(day[0].Region))
	return summary, strings.TrimSuffix(b.String(), "\n")
}
