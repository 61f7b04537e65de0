package state

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

var testTime = time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)

// largeRecord returns the record of n matrices, every one with a finding, in the
// form that the service's ids have. Its names have that many random letters.
func largeRecord(n, nameLetters int) Record {
	random := rand.New(rand.NewPCG(1, 2))
	letters := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[random.IntN(36)]
		}
		return string(b)
	}
	reasons := []report.Reason{report.Failed, report.Expired, report.Expiring, report.Stuck}
	l := Listing{At: testTime, Complete: true, Areas: []Area{{"", "cn-hangzhou"}}}
	for range n {
		l.Matrices = append(l.Matrices, Matrix{
			ID: "cpn-" + letters(13), Name: letters(nameLetters), Region: "cn-hangzhou",
			Expires: testTime.Add(time.Duration(random.IntN(400*24*3600)) * time.Second),
			Reason:  reasons[random.IntN(len(reasons))], Severity: report.Severities[random.IntN(3)],
		})
	}
	s := Advance(Snapshot{}, l, time.UTC)
	for i := range s.Matrices {
		s.Matrices[i].Since = testTime.Add(-time.Duration(random.IntN(30*24*3600)) * time.Second)
		for range random.IntN(4) {
			s.Matrices[i].Renewals = s.Matrices[i].Renewals.Add(random.IntN(30))
			s.Matrices[i].RenewedTo = s.Matrices[i].Expires
		}
	}
	r := Record{Sequence: 7, Writer: "run/1", Written: testTime, Snapshot: s, Claims: []Claim{}}
	for i := range maxDays {
		s.At = testTime.AddDate(0, 0, i-maxDays)
		r.Days = addDay(r.Days, s, int64(i+1), time.UTC)
	}
	return r
}

// 100,000 matrices fit into 4 MB, even if all have a finding and random ids,
// names and times. Then the names do not fit, and are left out.
func TestRecordOf100000MatricesIsUnder4MB(t *testing.T) {
	if testing.Short() || raceDetector() {
		t.Skip("large")
	}
	for _, nameLetters := range []int{0, 60} {
		r := largeRecord(100_000, nameLetters)
		object, err := encode(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("names of %d letters: %d bytes", nameLetters, len(object))
		if len(object) >= 4_000_000 {
			t.Errorf("names of %d letters: %d bytes", nameLetters, len(object))
		}
		got, err := decode(object)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Snapshot.Matrices {
			if got.Snapshot.Matrices[i].Name == "" {
				r.Snapshot.Matrices[i].Name = ""
			}
		}
		if !reflect.DeepEqual(got.Snapshot, r.Snapshot) {
			t.Error("the record is another one after decoding")
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	r := largeRecord(50, 12)
	r.Claims = []Claim{{Event: "daily 2026-11-22T01:07:00Z", Run: "R", Channels: []string{"slack"}, At: testTime, Until: testTime.Add(time.Minute), Outcomes: map[string]Outcome{"slack": Delivered}}}
	r.Baselines = []Baseline{{Channel: "slack", Snapshot: 3, At: testTime, Exceptions: []Exception{{Matrix: Matrix{ID: "cpn-1", Seen: testTime}, Unknown: true}}}}
	object, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(object)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHostileTextSurvivesARecord(t *testing.T) {
	l := Listing{At: testTime, Matrices: []Matrix{
		{ID: "b\xff\xfe", Name: strings.Repeat("矩", 30), Expires: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{ID: "a\x00", Account: "\xed\xa0\x80", Name: strings.Repeat("x", 1000)}, {ID: ""}, {ID: "b\xff"},
	}}
	first := Advance(Snapshot{}, l, time.UTC)
	object, err := encode(Record{Sequence: 1, Snapshot: first})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(object)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Snapshot, first) {
		t.Errorf("got %+v, want %+v", got.Snapshot, first)
	}
	for _, m := range first.Matrices {
		if len(m.Name) > maxNameBytes {
			t.Errorf("a name of %d bytes", len(m.Name))
		}
	}
	l.At = l.At.Add(time.Hour)
	l.Complete, l.Areas = true, []Area{{}}
	if changes := Compare(Known{At: first.At, Matrices: first.Matrices}, Advance(got.Snapshot, l, time.UTC)); len(changes) != 0 {
		t.Errorf("the same listing has changes: %+v", changes)
	}
}

func compress(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// uncompressed returns the JSON of an object.
func uncompressed(t testing.TB, object []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDecodeRefusesDamage(t *testing.T) {
	object, err := encode(largeRecord(20, 12))
	if err != nil {
		t.Fatal(err)
	}
	text := uncompressed(t, object)
	flipped := slices.Clone(object)
	flipped[len(flipped)/2] ^= 1
	cases := map[string][]byte{
		"empty":              {},
		"short":              object[:len(object)/2],
		"one byte short":     object[:len(object)-1],
		"a flipped bit":      flipped,
		"bytes after it":     append(slices.Clone(object), 'x'),
		"not compressed":     []byte(text),
		"no object":          compress(t, "[]"),
		"null":               compress(t, "null"),
		"no version":         compress(t, strings.Replace(text, `{"version":1,`, `{`, 1)),
		"a negative version": compress(t, strings.Replace(text, `{"version":1,`, `{"version":-1,`, 1)),
		"another content":    compress(t, strings.Replace(text, "cn-hangzhou", "cn-shanghai", 1)),
		"no checksum":        compress(t, strings.Replace(text, `"sha256":"`, `"sha":"`, 1)),
		"text after it":      compress(t, text+"x"),
		"a bomb":             compress(t, strings.Repeat(" ", maxDecodedBytes+1)),
	}
	for name, b := range cases {
		if _, err := decode(b); !errors.Is(err, errUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decode(compress(t, strings.Replace(text, `"version":1`, `"version":2`, 1))); !errors.Is(err, errNewer) {
		t.Errorf("a newer version: %v", err)
	}
	if _, err := decode(compress(t, `{"version":2,"other":[]}`)); !errors.Is(err, errNewer) {
		t.Errorf("a newer version of another form: %v", err)
	}
}

func TestRecordNames(t *testing.T) {
	for _, n := range []int64{1, 42, maxSequence} {
		if got, ok := recordSequence(recordName(n)); !ok || got != n {
			t.Errorf("%s: %d, %t", recordName(n), got, ok)
		}
	}
	if got := recordName(7); got != "runs/000000000007.json.gz" {
		t.Error(got)
	}
	for _, name := range []string{
		"", "runs/", "runs/1.json.gz", "runs/000000000000.json.gz", "runs/-00000000001.json.gz", "runs/+00000000001.json.gz", "runs/0000000000001.json.gz",
		"runs/000000000001.json", "runs/000000000001.json.gz.tmp", "other/000000000001.json.gz", "runs/x/000000000001.json.gz", "runs/00000000000a.json.gz", "000000000001.json.gz",
	} {
		if n, ok := recordSequence(name); ok {
			t.Errorf("%q is record %d", name, n)
		}
	}
}

// Whatever bytes the store returns, the decoder returns a record that can be
// written again, or an error.
func FuzzDecode(f *testing.F) {
	for _, r := range []Record{{Sequence: 1}, largeRecord(3, 5)} {
		object, err := encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(object, false)
		f.Add([]byte(uncompressed(f, object)), true)
		body, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, raw bool) {
		if raw { // with a valid envelope, so that the fuzzer reaches the record
			b = envelopeOf(t, b)
		}
		r, err := decode(b)
		if err != nil {
			if !errors.Is(err, errUnreadable) && !errors.Is(err, errNewer) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		object, err := encode(r)
		if err != nil {
			t.Fatalf("a decoded record cannot be written: %v", err)
		}
		again, err := decode(object)
		if err != nil {
			t.Fatalf("a written record cannot be read: %v", err)
		}
		one, _ := json.Marshal(r)
		two, _ := json.Marshal(again)
		if !bytes.Equal(one, two) {
			t.Fatalf("%s became %s", one, two)
		}
		// The rest of the package has to stand what was decoded.
		next := Advance(r.Snapshot, Listing{At: testTime, Complete: true}, time.UTC)
		for _, base := range r.Baselines {
			k := base.known(r.Snapshot)
			Compare(k, next)
			Schedule{RemindAt: []int{1}, Location: time.UTC}.Due(&k, nil, next)
			baseline("c", &k, next)
		}
		addDay(r.Days, next, 1, time.UTC)
		stale(r, []int64{1, 2, 3}, testTime)
		pending(recentClaims(r.Claims, testTime), "r", "e", []string{"c"}, testTime)
	})
}

// envelopeOf returns an object that holds body as its record.
func envelopeOf(t testing.TB, body []byte) []byte {
	return compress(t, fmt.Sprintf(`{"version":1,"sha256":"%s","record":%s}`, checksumOf(body), body))
}

func checksumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// raceDetector reports whether the test was built with -race, with which it
// takes ten times as long.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
