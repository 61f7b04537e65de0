package export

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

func TestCalendarEvents(t *testing.T) {
	cal := readCalendar(t, write(t, writeCalendar, scenarios()["usual"]))
	var got []string
	for _, e := range cal.Events() {
		alarm := ""
		for _, c := range e.Children {
			alarm = " " + c.Name + " " + value(t, c, "ACTION") + " " + value(t, c, "TRIGGER")
		}
		got = append(got, fmt.Sprintf("%s|%s-%s|%s%s", value(t, e.Component, "UID"), value(t, e.Component, "DTSTART"),
			value(t, e.Component, "DTEND"), value(t, e.Component, "SUMMARY"), alarm))
		for name, want := range map[string]string{
			"DTSTAMP": "20261122T010000Z", "LAST-MODIFIED": "20261122T010000Z", "SEQUENCE": fmt.Sprint(now.Unix() / 60), "TRANSP": "TRANSPARENT", "URL": renew,
		} {
			if got := value(t, e.Component, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	const alarm = " VALARM DISPLAY -PT15H"
	want := []string{
		"2026-11-19.cn-hangzhou@matrix-expiry-report|20261119-20261120|farm-cpn-expired expired (25 phones), cn-hangzhou",
		"2026-11-22.cn-hangzhou@matrix-expiry-report|20261122-20261123|2 matrices expire (50 phones), cn-hangzhou" + alarm,
		"2026-11-24.cn-hangzhou@matrix-expiry-report|20261124-20261125|2 matrices expire (50 phones), cn-hangzhou" + alarm,
		"2026-11-24.cn-shenzhen@matrix-expiry-report|20261124-20261125|farm-cpn-shenzhen expires (40 phones), cn-shenzhen" + alarm,
		"2026-12-04.cn-hangzhou@matrix-expiry-report|20261204-20261205|farm-cpn-odd expires (25 phones), cn-hangzhou" + alarm,
		"2026-12-22.cn-hangzhou@matrix-expiry-report|20261222-20261223|farm-cpn-later expires (25 phones), cn-hangzhou" + alarm,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := value(t, cal.Events()[2].Component, "DESCRIPTION"); got != "09:00 farm-cpn-two (cpn-two), 25 phones\n09:00 farm-cpn-two-b (cpn-two-b), 25 phones\nRenew: "+renew {
		t.Errorf("description %q", got)
	}
	for _, name := range []string{"DTSTART", "DTEND"} {
		if got := cal.Events()[0].Props.Get(name).Params.Get("VALUE"); got != "DATE" {
			t.Errorf("%s is a %q, want a DATE", name, got)
		}
	}
}

func TestCalendarProperties(t *testing.T) {
	cal := readCalendar(t, write(t, writeCalendar, scenarios()["usual"]))
	for name, want := range map[string]string{
		"VERSION": "2.0", "METHOD": "PUBLISH", "NAME": "Matrix expiry", "X-WR-CALNAME": "Matrix expiry", "X-WR-TIMEZONE": "Asia/Shanghai",
		"LAST-MODIFIED": "20261122T010000Z", "REFRESH-INTERVAL": "PT6H", "X-PUBLISHED-TTL": "PT6H", "DESCRIPTION": "", "X-WR-CALDESC": "",
	} {
		if got := value(t, cal.Component, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := cal.Props.Get("REFRESH-INTERVAL").Params.Get("VALUE"); got != "DURATION" {
		t.Errorf("REFRESH-INTERVAL is a %q, want a DURATION", got)
	}
}

// An event of the next report has a higher sequence number, so that clients replace
// the one that they have.
func TestCalendarSequenceGrows(t *testing.T) {
	sequence := func(now time.Time) (n int) {
		r := report.Build(rules, report.Listing{Matrices: []*report.Matrix{matrix("cpn-1", 20)}}, now)
		e := readCalendar(t, write(t, writeCalendar, r)).Events()[0]
		if _, err := fmt.Sscan(value(t, e.Component, "SEQUENCE"), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first, next, last := sequence(now), sequence(now.Add(time.Hour)), sequence(now.AddDate(100, 0, 0).Add(-time.Hour))
	if first >= next || last <= next || last > math.MaxInt32 {
		t.Errorf("the sequence numbers are %d, %d an hour later, and %d in 100 years", first, next, last)
	}
}

// What expires at midnight is in the event of the day before.
func TestCalendarMidnight(t *testing.T) {
	midnight, evening := matrix("cpn-midnight", 0), matrix("cpn-evening", 0)
	midnight.ExpiresAt = report.Time{Time: time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)}
	evening.ExpiresAt = report.Time{Time: time.Date(2026, 11, 30, 15, 59, 0, 0, time.UTC)}
	other := *midnight
	other.Region = "cn-shenzhen"
	events := readCalendar(t, write(t, writeCalendar, report.Build(rules, report.Listing{Matrices: []*report.Matrix{midnight, evening, &other}}, now))).Events()
	if len(events) != 2 {
		t.Fatalf("%d events, want one for each region", len(events))
	}
	for _, e := range events {
		if got := value(t, e.Component, "DTSTART"); got != "20261130" {
			t.Errorf("an event is on %s, want 20261130", got)
		}
	}
	if got := value(t, events[0].Component, "DESCRIPTION"); !strings.HasPrefix(got, "23:59 farm-cpn-evening (cpn-evening), 25 phones\n24:00 farm-cpn-midnight (cpn-midnight), 25 phones\n") {
		t.Errorf("description %q", got)
	}
}

func TestCalendarLanguage(t *testing.T) {
	var b bytes.Buffer
	if err := Calendar(&b, scenarios()["unknown"], "zh", ""); err != nil {
		t.Fatal(err)
	}
	cal := readCalendar(t, b.Bytes())
	for name, want := range map[string]string{"NAME": "云手机矩阵到期", "DESCRIPTION": "不完整：已读取 1 台矩阵；法兰克福无法读取，其矩阵数量未知"} {
		if got := value(t, cal.Component, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for i, want := range []map[string]string{
		{"SUMMARY": "不完整：已读取 1 台矩阵；法兰克福无法读取，其矩阵数量未知", "DESCRIPTION": "本日历可能缺少部分到期日。\n法兰克福 InternalError：服务内部出错（internal error）"},
		{"SUMMARY": "farm-cpn-two 到期（25 部云手机），杭州", "DESCRIPTION": "09:00 farm-cpn-two（cpn-two），25 部云手机", "URL": ""},
	} {
		for name, want := range want {
			if got := value(t, cal.Events()[i].Component, name); got != want {
				t.Errorf("event %d: %s is %q, want %q", i, name, got, want)
			}
		}
	}
	if err := Calendar(&b, scenarios()["usual"], "xx", ""); err == nil {
		t.Error("an unknown language is accepted")
	}
}

// The date of an event is that in the report's time zone.
func TestCalendarTimeZone(t *testing.T) {
	m := matrix("cpn-1", 0)
	m.ExpiresAt = report.Time{Time: time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)}
	e := readCalendar(t, write(t, writeCalendar, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now.UTC()))).Events()[0]
	if got := value(t, e.Component, "DTSTART"); got != "20261124" {
		t.Errorf("the event is on %s, want 20261124", got)
	}
}

// An event keeps its UID in the feeds of later days.
func TestCalendarStableUIDs(t *testing.T) {
	uids := func(now time.Time, ms ...*report.Matrix) (uids []string) {
		r := report.Build(rules, report.Listing{Matrices: ms}, now)
		for _, e := range readCalendar(t, write(t, writeCalendar, r)).Events() {
			uids = append(uids, value(t, e.Component, "UID"))
		}
		return uids
	}
	renamed := matrix("cpn-2", 2)
	renamed.Name = "other"
	today, tomorrow := uids(now, matrix("cpn-1", 2)), uids(now.AddDate(0, 0, 1), matrix("cpn-1", 2), renamed)
	if !slices.Equal(today, tomorrow) || len(today) != 1 {
		t.Errorf("today %q, tomorrow %q, want the same UID", today, tomorrow)
	}
}

// An event lists its matrices by time, though a report lists them by severity.
func TestCalendarDescriptionOrder(t *testing.T) {
	morning, evening := matrix("cpn-morning", 20), matrix("cpn-evening", 20)
	evening.Status, evening.ExpiresAt = report.StatusFailed, in(20, 9)
	r := report.Build(rules, report.Listing{Matrices: []*report.Matrix{morning, evening}}, now)
	if r.Findings[0].NodeID != "cpn-evening" {
		t.Fatalf("the first finding is %s, want the failed matrix", r.Findings[0].NodeID)
	}
	e := readCalendar(t, write(t, writeCalendar, r)).Events()[0]
	if got, want := value(t, e.Component, "DESCRIPTION"), "09:00 farm-cpn-morning (cpn-morning), 25 phones\n18:00 farm-cpn-evening (cpn-evening), 25 phones\nRenew: "+renew; got != want {
		t.Errorf("got the description %q, want %q", got, want)
	}
}

func TestCalendarIncomplete(t *testing.T) {
	for scenario, want := range map[string]string{
		"incomplete": "Incomplete: 1 of about 131 matrices read; cn-shenzhen could not be read",
		"unknown":    "Incomplete: 1 matrix read; eu-central-1 could not be read, its number is unknown",
	} {
		cal := readCalendar(t, write(t, writeCalendar, scenarios()[scenario]))
		e := cal.Events()[0]
		for _, got := range []string{value(t, cal.Component, "DESCRIPTION"), value(t, cal.Component, "X-WR-CALDESC"), value(t, e.Component, "SUMMARY")} {
			if got != want {
				t.Errorf("%s: got %q, want %q", scenario, got, want)
			}
		}
		if len(e.Children) != 0 {
			t.Errorf("%s: the event has a reminder", scenario)
		}
	}
	e := readCalendar(t, write(t, writeCalendar, scenarios()["incomplete"])).Events()[0]
	if got := value(t, e.Component, "DESCRIPTION"); !strings.Contains(got, "cn-shenzhen Forbidden.NoPermission: you are not allowed") || strings.Contains(got, "BadPayload") {
		t.Errorf("description %q, want the problem that may hide matrices", got)
	}
}

func TestCalendarEmpty(t *testing.T) {
	cal := readCalendar(t, write(t, writeCalendar, scenarios()["empty"]))
	if len(cal.Events()) != 0 || len(cal.Children) != 1 {
		t.Errorf("%d events in %d components, want no event", len(cal.Events()), len(cal.Children))
	}
}

// A report read from JSON may have a reason without its date.
func TestCalendarWithoutDate(t *testing.T) {
	r := report.Build(rules, report.Listing{}, now)
	r.Findings = []report.Finding{{Matrix: report.Matrix{NodeID: "cpn-1"}, Reason: report.Expired, Severity: report.Critical}}
	if events := readCalendar(t, write(t, writeCalendar, r)).Events(); len(events) != 0 {
		t.Errorf("got an event on %s for a matrix without a date", value(t, events[0].Component, "DTSTART"))
	}
}

func TestCalendarHostile(t *testing.T) {
	r := hostileReport()
	dates := map[string]bool{}
	for _, f := range r.Findings {
		if !f.ExpiresAt.IsZero() && f.Status != report.StatusDeleting {
			dates[f.LastDay.String()+message.Visible(f.Region)] = true
		}
	}
	cal := readCalendar(t, write(t, writeCalendar, r))
	if got := len(cal.Events()) - 1; got != len(dates) { // and one for the incomplete report
		t.Errorf("%d events for %d dates and regions", got, len(dates))
	}
}

func TestCalendarMany(t *testing.T) {
	r := many(20_000)
	events := readCalendar(t, write(t, writeCalendar, r)).Events()
	phones, listed := 0, 0
	for _, e := range events {
		var matrices, n int
		if _, err := fmt.Sscanf(strings.NewReplacer("expired", "x", "expire", "x", ",", "").Replace(value(t, e.Component, "SUMMARY")), "%d matrices x (%d phones", &matrices, &n); err != nil {
			t.Fatal(err)
		}
		phones, listed = phones+n, listed+matrices
		if d := value(t, e.Component, "DESCRIPTION"); strings.Count(d, "\n") != maxListed+1 || !strings.HasSuffix(d, fmt.Sprintf("\nand %d more\nRenew: %s", matrices-maxListed, renew)) {
			t.Errorf("description of %d lines ends with %q", strings.Count(d, "\n")+1, d[len(d)-30:])
		}
	}
	if phones != r.PhonesAffected || listed != len(r.Findings) {
		t.Errorf("%d matrices with %d phones, want %d with %d", listed, phones, len(r.Findings), r.PhonesAffected)
	}
}

func FuzzCalendarText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "cn-hangzhou")
		f.Add("game", s)
	}
	f.Fuzz(func(t *testing.T, name, region string) {
		m := matrix("cpn-1", 2)
		m.Name, m.Region = name, region
		r := report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}, Problems: []report.Problem{{Message: name, MayHideMatrices: true}}}, now)
		events := readCalendar(t, write(t, writeCalendar, r)).Events()
		if len(events) != 2 {
			t.Fatalf("%d events, want one for the matrix and one for the incomplete report", len(events))
		}
		e := events[1].Component
		if got, want := value(t, e, "DESCRIPTION"), "09:00 "+message.Name(*m)+" (cpn-1), 25 phones\nRenew: "+renew; got != want {
			t.Errorf("description %q, want %q", got, want)
		}
		if got, want := value(t, e, "SUMMARY"), message.Name(*m)+" expires (25 phones), "+cmp.Or(message.Clean(region), "no region"); got != want {
			t.Errorf("summary %q, want %q", got, want)
		}
		if got, want := value(t, e, "UID"), "2026-11-24."+message.Visible(region)+"@matrix-expiry-report"; got != want {
			t.Errorf("UID %q, want %q", got, want)
		}
	})
}

// value returns a property, decoded.
func value(t *testing.T, c *ical.Component, name string) string {
	t.Helper()
	p := c.Props.Get(name)
	if p == nil {
		return ""
	}
	if p.ValueType() != ical.ValueText && p.ValueType() != ical.ValueDefault {
		return p.Value
	}
	s, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readCalendar checks b against RFC 5545 and parses it with another library than
// the one that wrote it. It also encodes the result, which that library checks
// more strictly.
func readCalendar(t *testing.T, b []byte) *ical.Calendar {
	t.Helper()
	for _, fault := range calendarFaults(b) {
		t.Error(fault)
	}
	cal, err := ical.NewDecoder(bytes.NewReader(b)).Decode()
	if err != nil {
		t.Fatal(err)
	}
	if err := ical.NewEncoder(&bytes.Buffer{}).Encode(cal); err != nil {
		t.Error(err)
	}
	return cal
}
