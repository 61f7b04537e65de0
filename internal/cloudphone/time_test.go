package cloudphone

import (
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseTime(t *testing.T) {
	shanghai, berlin := location(t, "Asia/Shanghai"), location(t, "Europe/Berlin")
	for _, tt := range []struct {
		text string
		zone *time.Location
		want string // RFC 3339 in UTC; "" for absent
	}{
		// Without a zone the settings decide.
		{"2025-03-09 02:00:34", shanghai, "2025-03-08T18:00:34Z"},
		{"2025-03-09 02:00:34", time.UTC, "2025-03-09T02:00:34Z"},
		{"2025-03-09 02:00:34", berlin, "2025-03-09T01:00:34Z"},
		{"2025-07-09 02:00:34", berlin, "2025-07-09T00:00:34Z"},
		{"2024-06-30 08:45:09.0", shanghai, "2024-06-30T00:45:09Z"},
		{"2024-06-30 08:45:09.123", shanghai, "2024-06-30T00:45:09.123Z"},
		{"2024-06-30T08:45:09", shanghai, "2024-06-30T00:45:09Z"},
		{"2024-06-30T08:45:09.500", shanghai, "2024-06-30T00:45:09.5Z"},
		{"2024-06-30T08:45", shanghai, "2024-06-30T00:45:00Z"},
		{"2024-06-30 08:45", shanghai, "2024-06-30T00:45:00Z"},
		{"2024-06-30", shanghai, "2024-06-29T16:00:00Z"},
		// A zone in the text wins.
		{"2024-07-15T02:03:33Z", shanghai, "2024-07-15T02:03:33Z"},
		{"2021-12-31T15:59Z", shanghai, "2021-12-31T15:59:00Z"},
		{"2025-09-03T16:00:00.000+00:00", shanghai, "2025-09-03T16:00:00Z"},
		{"2025-08-07T13:40:40+08:00", time.UTC, "2025-08-07T05:40:40Z"},
		{"2025-08-07T13:40:40+0800", time.UTC, "2025-08-07T05:40:40Z"},
		{"2025-08-07T13:40+08:00", time.UTC, "2025-08-07T05:40:00Z"},
		{"2025-08-07 13:40:40 +08:00", time.UTC, "2025-08-07T05:40:40Z"},
		{"2025-08-07 13:40:40+08:00", time.UTC, "2025-08-07T05:40:40Z"},
		{"2025-08-07 13:40:40 +0800", time.UTC, "2025-08-07T05:40:40Z"},
		{"2025-08-07 13:40:40Z", shanghai, "2025-08-07T13:40:40Z"},
		{"2025-08-07T13:40:40-05:30", shanghai, "2025-08-07T19:10:40Z"},
		// As people's tools write them.
		{"2026/12/01 12:00:00", shanghai, "2026-12-01T04:00:00Z"},
		{"2026/12/01", shanghai, "2026-11-30T16:00:00Z"},
		{"2026-12-01 12:00:00 UTC", shanghai, "2026-12-01T12:00:00Z"},
		{"2026-12-01T12:00:00 UTC", shanghai, "2026-12-01T12:00:00Z"},
		{"2026-12-01 12:00:00 GMT", shanghai, "2026-12-01T12:00:00Z"},
		{"2026-12-01 12:00:00 +0800 CST", time.UTC, "2026-12-01T04:00:00Z"},
		{"2026-12-01 12:00:00.5 +0000 UTC", shanghai, "2026-12-01T12:00:00.5Z"},
		{"1741485634", shanghai, "2025-03-09T02:00:34Z"},
		{"1741485634000", shanghai, "2025-03-09T02:00:34Z"},
		{"1741485634500", berlin, "2025-03-09T02:00:34.5Z"},
		// Spaces do not matter.
		{"  2025-03-09 02:00:34\n", shanghai, "2025-03-08T18:00:34Z"},
		{"2025-03-09  02:00:34", shanghai, "2025-03-08T18:00:34Z"},
		// The ends of a day, and years at the ends of the range.
		{"2025-12-31 23:59:59", shanghai, "2025-12-31T15:59:59Z"},
		{"2025-12-31 00:00:00", shanghai, "2025-12-30T16:00:00Z"},
		{"2024-02-29 12:00:00", shanghai, "2024-02-29T04:00:00Z"},
		{"2099-12-31T15:59:59Z", shanghai, "2099-12-31T15:59:59Z"},
		{"2099-12-31 23:59:59", shanghai, "2099-12-31T15:59:59Z"},
		{"9999-12-31 23:59:59", shanghai, "9999-12-31T15:59:59Z"},
		{"1971-01-01 00:00:00", shanghai, "1970-12-31T16:00:00Z"},
		// Unset, in the ways in which databases write it.
		{"", shanghai, ""},
		{"   ", shanghai, ""},
		{"0000-00-00 00:00:00", shanghai, ""},
		{"0000-00-00", shanghai, ""},
		{"0001-01-01 00:00:00", shanghai, ""},
		{"0001-01-01T00:00:00Z", shanghai, ""},
		{"1970-01-01 00:00:00", shanghai, ""},
		{"1970-01-01 08:00:00", shanghai, ""},
		{"1970-01-01T00:00:00Z", shanghai, ""},
		{"1969-12-31T23:59:59Z", time.UTC, ""},
		// No time at all.
		{"never", shanghai, ""},
		{"null", shanghai, ""},
		{"-", shanghai, ""},
		{"2025-02-30 00:00:00", shanghai, ""},
		{"2025-13-01 00:00:00", shanghai, ""},
		{"2025-03-09 24:00:00", shanghai, ""},
		{"2025-03-09 02:00:60", shanghai, ""},
		{"2025-03-09 02:00:34 CST", shanghai, ""}, // of China or of America
		{"09/03/2025 02:00:34", shanghai, ""},
		{"174148563400", shanghai, ""},
		{"17414856340000", shanghai, ""},
		{"-1741485634", shanghai, ""},
		{"2025-03-09 02:00:34 UTC CST", shanghai, ""},
		{"2025/03-09T", shanghai, ""},
		{"2025-03-09 02:00:34 and more", shanghai, ""},
		{"２０２５-03-09 02:00:34", shanghai, ""},
		{"2025-03-0\xff 02:00:34", shanghai, ""},
	} {
		text := strings.ReplaceAll(tt.text, "\n", `\n`)
		p, err := readPage(newDecoder(tt.zone), 200, strings.NewReader(`{"NodeModel":[{"GmtExpired":"`+text+`"}]}`))
		if err != nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		parsed, _ := ParseTime(tt.text, tt.zone)
		for _, got := range []report.Time{parsed, p.Nodes[0].ExpiresAt} {
			text := ""
			if !got.IsZero() {
				text = got.UTC().Format(time.RFC3339Nano)
			}
			if text != tt.want {
				t.Errorf("%q in %s: got %q, want %q", tt.text, tt.zone, text, tt.want)
			}
		}
	}
}

// A row keeps the text of an expiry date that cannot be parsed, cut, and no text
// of one that is unset.
func TestUnreadableExpiryIsKept(t *testing.T) {
	for json, want := range map[string]string{
		`"in May"`: "in May", `"2025-13-01 00:00:00"`: "2025-13-01 00:00:00", `7`: "7", `true`: "true", `1e300`: "1e300", `"<b>\n"`: "<b>\n",
		`"` + strings.Repeat("日", 100) + `"`: strings.Repeat("日", 33),
		`null`:                               "", `""`: "", `" "`: "", `{}`: "", `[1]`: "", `0`: "", `"0000-00-00 00:00:00"`: "", `"1970-01-01 00:00:00"`: "", `"2025-03-09 02:00:34"`: "",
	} {
		p, err := readPage(newDecoder(time.UTC), 200, strings.NewReader(`{"NodeModel":[{"NodeId":"cpn-1","GmtExpired":`+json+`,"GmtCreate":"never"}]}`))
		if err != nil || p.Nodes[0].ExpiresRaw != want || p.Nodes[0].NodeID != "cpn-1" {
			t.Errorf("%s: got %q and the error %v, want %q", json, p.Nodes[0].ExpiresRaw, err, want)
		}
	}
}

// A local time that a zone skips or has twice is one of the two instants that
// it could be.
func TestParseTimeWhereClocksChange(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	for text, want := range map[string][2]string{
		"2026-03-29 02:30:00": {"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}, // skipped
		"2026-10-25 02:30:00": {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}, // twice
	} {
		parsed, _ := ParseTime(text, berlin)
		if got := parsed.UTC().Format(time.RFC3339); got != want[0] && got != want[1] {
			t.Errorf("%s: got %s, want %s or %s", text, got, want[0], want[1])
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{
		"2025-03-09 02:00:34", "2024-06-30 08:45:09.0", "2021-12-31T15:59Z", "2025-09-03T16:00:00.000+00:00", "2025-08-07T13:40:40+0800",
		"2025-08-07 13:40:40 +08:00", "2024-06-30", "2026/12/01 12:00:00", "2026-12-01 12:00:00 +0800 CST", "2026-12-01 12:00:00 UTC", "1741485634", "1741485634000", "0000-00-00 00:00:00", "1970-01-01 08:00:00", "2099-12-31T15:59:59Z", "", "2025-03-09T", "2025-03-09 ", "日2025-03 9",
	} {
		f.Add(seed)
	}
	zones := []*time.Location{time.UTC, location(f, "Asia/Shanghai"), location(f, "America/St_Johns"), time.FixedZone("", -11*60*60)}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseTime(s, zones[0])
		if !ok && !got.IsZero() {
			t.Errorf("%q is %v and unreadable", s, got)
		}
		if hasZone(s) {
			for _, zone := range zones[1:] {
				if other, _ := ParseTime(s, zone); !other.Equal(got.Time) {
					t.Errorf("%q is %v in UTC and %v in %v, though it says its zone", s, got, other, zone)
				}
			}
		}
		if got.IsZero() {
			return
		}
		if got.Year() <= 1970 {
			t.Errorf("%q: got %v, want an unset value to be absent", s, got)
		}
		for _, zone := range zones {
			for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00"} {
				if zone == zones[2] && !strings.HasSuffix(layout, "Z07:00") {
					continue // where clocks change, a local time may be two
				}
				local := got.Time.In(zone)
				if y := local.Year(); y <= 1970 || y > 9999 {
					continue
				}
				if _, offset := local.Zone(); offset%60 != 0 {
					continue // from before zones had whole minutes
				}
				if again, _ := ParseTime(local.Format(layout), zone); !again.Equal(got.Time) && !shanghaiSummer(local) {
					t.Errorf("%q: %q in %v is read as %v, want %v", s, local.Format(layout), zone, again, got)
				}
			}
		}
	})
}

// hasZone reports whether a timestamp names its zone, or needs none.
func hasZone(s string) bool {
	s = strings.TrimSpace(s)
	return strings.Trim(s, "0123456789") == "" || strings.HasSuffix(s, "Z") || strings.HasSuffix(s, "UTC") || strings.HasSuffix(s, "GMT") || len(s) > 16 && strings.ContainsAny(s[16:], "+-")
}

// shanghaiSummer reports whether Shanghai's clocks were about to change, as they
// did from 1986 to 1991.
func shanghaiSummer(t time.Time) bool { return t.Year() >= 1986 && t.Year() <= 1991 }
