package export

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"matrix-expiry-report/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// formats are the formats to test. A new one needs a line here.
var formats = []struct {
	extension string
	write     func(io.Writer, report.Report) error
}{
	{"csv", CSV},
	{"md", writeMarkdown},
	{"zh.md", func(w io.Writer, r report.Report) error { return Markdown(w, r, 0, "zh") }},
	{"ics", writeCalendar},
	{"zh.ics", func(w io.Writer, r report.Report) error { return Calendar(w, r, "zh", renew) }},
	{"prom", writeMetrics},
}

func writeMarkdown(w io.Writer, r report.Report) error { return Markdown(w, r, 0, "en") }
func writeCalendar(w io.Writer, r report.Report) error { return Calendar(w, r, "en", renew) }
func writeMetrics(w io.Writer, r report.Report) error  { return Metrics(w, r, 1500*time.Millisecond) }

const renew = "https://billing.example.com/renew?a=1,2;b=3"

var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)
	now      = time.Date(2026, 11, 22, 9, 0, 0, 0, shanghai)
	rules    = report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: shanghai, OwnerTag: "owner"}
)

func in(days int, hours ...int) report.Time {
	t := report.Time{Time: now.AddDate(0, 0, days)}
	for _, h := range hours {
		t.Time = t.Add(time.Duration(h) * time.Hour)
	}
	return t
}

// matrix returns a running matrix of 25 phones in Hangzhou that expires in that
// many days.
func matrix(id string, days int) *report.Matrix {
	return &report.Matrix{
		NodeID: id, Name: "farm-" + id, Region: "cn-hangzhou", Status: report.StatusRunning, ExpiresAt: in(days), CreatedAt: in(-300), ModifiedAt: in(-20),
		PhoneCount: 25, ServerType: "cpm.gx7.10xlarge", InstanceType: "ac.max", Tags: map[string]string{"owner": "team-a", "env": "prod"},
	}
}

// hostile are values that are markup or formulas in some format.
var hostile = []string{
	"=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tindented", "\rreturned", "＝cmd()", "＋1", "－1", "＠x",
	"a;=cmd()", `b";"=cmd()`, "c\n=cmd()", "  =padded", "\u202e=hidden", "\ufeff=bom",
	"new\nline", "carriage\r\nreturn", `"quoted" 'twice'`, "pipe|pipe", `back\slash\|pipe`, `\`, "<script>alert(1)</script>", "<!-- comment", "&lt;b&gt; &#124;",
	"`code` ``more``", "**bold** _it_ ~~gone~~ $x$", "[link](javascript:alert(1))", "![image](https://example.com/x.png)", "https://example.com www.example.com a@example.com",
	"@everyone @team/all #1 GH-2 ::bomb:", "🎮 手机农场 👩‍👩‍👧", "\u05d0\u200f\u202dright to left\u202c", "nul\x00 bell\x07 \x1b[31m", "not \xff UTF-8",
	"BEGIN:VEVENT\r\nUID:x", `semi;colon,comma\n`, "{a=\"b\"} 3", "# heading", "- item", "", " ", strings.Repeat("长", 10_000/3),
}

func hostileReport() report.Report {
	l := report.Listing{Regions: []string{"cn-hangzhou"}}
	for i, s := range hostile {
		m := matrix(fmt.Sprintf("cpn-%02d%s", i, s), i%9)
		m.Name, m.Region, m.Account, m.ServerType, m.InstanceType = s, "r"+s, s, s, s
		m.Tags = map[string]string{"owner": s, s: "key"}
		if i%4 == 0 {
			m.Status, m.ExpiresAt = s, report.Time{}
		}
		l.Matrices = append(l.Matrices, m)
		l.Problems = append(l.Problems, report.Problem{Endpoint: s, Region: s, Code: s, Message: s, RequestID: s, Permission: s, MayHideMatrices: true})
	}
	r := report.Build(rules, l, now)
	r.TimeZone = hostile[0] + "\r\nX:y"
	return r
}

// many returns a report of n matrices, of which 4 in 40 expire after its days.
func many(n int) report.Report {
	l := report.Listing{}
	for i := range n {
		m := matrix(fmt.Sprintf("cpn-%06d", i), i%40-5)
		m.Region = fmt.Sprintf("cn-%d", i%5)
		l.Matrices = append(l.Matrices, m)
	}
	return report.Build(rules, l, now)
}

func scenarios() map[string]report.Report {
	failed := matrix("cpn-failed", 0)
	failed.Status, failed.ExpiresAt = report.StatusFailed, report.Time{}
	stuck := matrix("cpn-stuck", 90) // expires after the report's days
	stuck.Status, stuck.CreatedAt = report.StatusCreating, in(-3)
	deleting := matrix("cpn-deleting", 1)
	deleting.Status = report.StatusDeleting
	odd := matrix("cpn-odd", 12)
	odd.Status = "PAUSED"
	shenzhen := matrix("cpn-shenzhen", 2)
	shenzhen.Region, shenzhen.PhoneCount, shenzhen.Tags = "cn-shenzhen", 40, map[string]string{}
	morning, evening := matrix("cpn-morning", 0), matrix("cpn-evening", 0)
	morning.ExpiresAt, evening.ExpiresAt = in(0, -2), in(0, 12)
	usual := report.Listing{Regions: []string{"cn-hangzhou", "cn-shenzhen"}, Matrices: []*report.Matrix{
		failed, stuck, deleting, odd, shenzhen, morning, evening,
		matrix("cpn-expired", -3), matrix("cpn-two", 2), matrix("cpn-two-b", 2), matrix("cpn-later", 30), matrix("cpn-fine", 200),
	}}
	incomplete := report.Listing{Total: 131, Regions: []string{"cn-hangzhou"}, Matrices: []*report.Matrix{matrix("cpn-two", 2)}, Problems: []report.Problem{
		{Endpoint: "eds-aic.cn-shanghai.aliyuncs.com", Region: "cn-shenzhen", Code: "Forbidden.NoPermission", Message: "you are not allowed, https://example.com", Permission: "eds-aic:Describe", RequestID: "A1-B2", MayHideMatrices: true},
		{Code: "BadPayload", Message: "not JSON: # 1"},
	}}
	unknown := report.Listing{Regions: []string{"cn-hangzhou"}, Matrices: []*report.Matrix{matrix("cpn-two", 2)}, Problems: []report.Problem{
		{Endpoint: "eds-aic.cn-shanghai.aliyuncs.com", Region: "eu-central-1", Code: "InternalError", Message: "internal error", MayHideMatrices: true},
	}}
	cut := report.Listing{Problems: []report.Problem{{Region: "cn-hangzhou", Code: "Timeout", Message: "no answer", MayHideMatrices: true}}}
	return map[string]report.Report{
		"usual":      report.Build(rules, usual, now),
		"hostile":    hostileReport(),
		"empty":      report.Build(rules, report.Listing{}, now),
		"incomplete": report.Build(rules, incomplete, now),
		"unknown":    report.Build(rules, unknown, now),
		"failed":     report.Build(rules, cut, now),
	}
}

func TestGolden(t *testing.T) {
	for name, r := range scenarios() {
		for _, format := range formats {
			t.Run(name+"."+format.extension, func(t *testing.T) {
				got := write(t, format.write, r)
				file := filepath.Join("testdata", name+"."+format.extension)
				if *update {
					if err := os.WriteFile(file, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s differs (go test ./internal/export -update rewrites it):\n%s", file, firstDifference(string(got), string(want)))
				}
			})
		}
	}
}

// No format writes invisible characters.
func TestNoInvisibleCharacters(t *testing.T) {
	r := hostileReport()
	for _, format := range formats {
		got := strings.TrimPrefix(string(write(t, format.write, r)), "\ufeff")
		if !utf8.ValidString(got) {
			t.Errorf("%s: not UTF-8", format.extension)
		}
		for i, c := range got {
			if c != '\r' && c != '\n' && c != '\u200d' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
				t.Errorf("%s: %U in %q", format.extension, c, got[max(0, i-20):i+len(string(c))])
				break
			}
		}
	}
}

func TestWriterErrors(t *testing.T) {
	r := many(500)
	for _, format := range formats {
		size := len(write(t, format.write, r))
		for _, room := range []int{0, 2, 100, size - 1} {
			if err := format.write(&full{room}, r); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d of %d bytes: %v, want the writer's error", format.extension, room, size, err)
			}
		}
	}
}

var errFull = errors.New("disk full")

// A full writer accepts room bytes.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.room)
	f.room -= n
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func write(t testing.TB, format func(io.Writer, report.Report) error, r report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := format(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
