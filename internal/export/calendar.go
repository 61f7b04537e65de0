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

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

const (
	calendarName  = "Matrix expiry"
	refresh       = "PT6H"   // how often clients should fetch the feed
	dayBeforeAt9  = "-PT15H" // before midnight, when an all-day event starts
	maxListed     = 100      // matrices in a description; clients truncate longer ones
	calendarAgent = "matrix-expiry-report"
)

// Calendar writes an iCalendar feed (RFC 5545, text/calendar): an all-day event for
// each date and region in which matrices expire or have expired, in the time zone
// of the report, with a reminder at nine the day before. The UID of an
// event is its date and region, so that clients update the event when the matrices
// of that day change. Matrices that expire after the report's days, or are being deleted, have no event.
//
// A feed has no way to state that it is incomplete, so an incomplete report has an
// event on its own date. For a report that failed ([report.Report.Failed]) respond
// with an error instead, so that clients keep the events that they have.
//
// A matrix has expired if its expiry is not after now. Calendar returns errors of w, and an
// error for a text that iCalendar cannot represent.
func Calendar(w io.Writer, r report.Report, now time.Time) error {
	cal := ics.NewCalendar()
	cal.SetProductId("-//" + calendarAgent + "//EN") // RFC 5545 3.7.3
	cal.SetXWRCalName(calendarName)
	cal.SetXWRTimezone(message.Visible(r.TimeZone))
	cal.SetRefreshInterval(refresh) // RFC 7986 5.7
	cal.SetXPublishedTTL(refresh)   // the same for Outlook
	add := func(date time.Time, place, summary, description string) *ics.VEvent {
		e := cal.AddEvent(date.Format(time.DateOnly) + "." + message.Visible(place) + "@" + calendarAgent)
		e.SetDtStampTime(r.GeneratedAt.Time)
		e.SetAllDayStartAt(date) // without an end, it lasts that day (RFC 5545 3.6.1)
		e.SetSummary(summary)
		e.SetDescription(description)
		e.SetTimeTransparency(ics.TransparencyTransparent) // the event does not block time
		return e
	}
	if !r.Complete {
		summary := fmt.Sprintf("Incomplete: %d of about %d matrices could be read", r.Listed, r.Total)
		var b strings.Builder
		b.WriteString("Expiries may be missing from this calendar.")
		for _, p := range r.Problems {
			if p.MayHideMatrices {
				b.WriteString("\n" + message.Clean(strings.TrimSpace(p.Region+" "+p.Code+": "+p.Message)))
			}
		}
		add(r.GeneratedAt.Time, "incomplete", summary, b.String())
	}
	for _, day := range expiryDays(r.Findings) {
		first, last := day[0], day[len(day)-1]
		summary, description := describe(day, now)
		e := add(first.ExpiresAt.Time, first.Region, summary, description)
		if last.ExpiresAt.After(now) { // some clients remind immediately of a past event
			alarm := e.AddAlarm()
			alarm.SetAction(ics.ActionDisplay)
			alarm.SetProperty(ics.ComponentPropertyDescription, summary)
			alarm.SetTrigger(dayBeforeAt9)
		}
	}
	if len(cal.Components) == 0 {
		// A calendar must not be empty (RFC 5545 3.6). Clients do not show a time zone.
		utc := cal.AddTimezone("Etc/UTC").AddStandard()
		utc.SetProperty(ics.ComponentPropertyDtStart, "19700101T000000")
		utc.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0000")
		utc.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0000")
	}
	var b bytes.Buffer // SerializeTo does not return every error of a writer
	if err := cal.SerializeTo(&b, ics.WithNewLineWindows); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// expiryDays returns the findings that expire or have expired, grouped by date and
// region, in order of time.
func expiryDays(findings []report.Finding) (days [][]*report.Finding) {
	at := map[string][]*report.Finding{}
	for i := range findings {
		f := &findings[i]
		ends := ended(f.Reason) || slices.ContainsFunc(f.OtherReasons, ended)
		if ends && !f.ExpiresAt.IsZero() { // a report read from JSON may have a reason without a date
			place := f.ExpiresAt.Format(time.DateOnly) + message.Visible(f.Region)
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

func ended(r report.Reason) bool { return r == report.Expired || r == report.Expiring }

// describe returns the texts of the event for matrices that expire on one date in
// one region.
func describe(day []*report.Finding, now time.Time) (summary, description string) {
	phones := 0
	var b strings.Builder
	for i, f := range day {
		phones += f.PhoneCount
		switch {
		case i < maxListed:
			fmt.Fprintf(&b, "%s %s (%s), %s\n", f.ExpiresAt.Format("15:04"), message.Name(f.Matrix), message.Clean(f.NodeID), counted(f.PhoneCount, "phone", "phones"))
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
	summary = fmt.Sprintf("%s %s (%s), %s", counted(len(day), "matrix", "matrices"), verb, counted(phones, "phone", "phones"), message.Clean(day[0].Region))
	return summary, strings.TrimSuffix(b.String(), "\n")
}
