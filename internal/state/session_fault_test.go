package state

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	emulator "matrix-expiry-report/internal/emulator/oss"

	"matrix-expiry-report/report"
)

// damaged returns the problems of a second run, and its changes, while the
// store does that to the requests of it.
func damaged(t *testing.T, faults ...emulator.Fault) (*Session, *Turn, *emulator.Server) {
	t.Helper()
	server := strict()
	o := bucket(t, server)
	expires := testTime.Add(5 * day)
	deliver(t, o, intent("monday", listing(testTime, expiring("a", report.Notice, expires))))
	server.Faults = faults
	s := Open(o)
	s.now = func() time.Time { return time.Now().Add(time.Minute) } // no claim of the first run is live
	_, turn := deliverBy(t, s, intent("tuesday", listing(testTime.Add(day), expiring("a", report.Warning, expires))))
	return s, turn, server
}

// newestKey is the third record, which the first run of damaged writes last.
var newestKey = "team/state/" + recordName(3)

func TestPassingTroubleChangesNothing(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"short read":           {Key: newestKey, Damage: emulator.Short, Times: 1},
		"cut read":             {Key: newestKey, Damage: emulator.Cut, Times: 1},
		"mangled read":         {Key: newestKey, Damage: emulator.Mangled, Times: 1},
		"lost answer of a put": {Operation: emulator.PutObject, Damage: emulator.Lost, Times: 1},
		"lost answers of puts": {Operation: emulator.PutObject, Damage: emulator.Lost, Times: 1, Skip: 2},
		"unavailable":          {Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, turn, server := damaged(t, fault)
			wantCodes(t, s)
			if got := kinds(turn.Changes("slack")); got != "escalated a" {
				t.Errorf("changes %q", got)
			}
			r := Open(bucketOf(t, server)).Latest(t.Context())
			if r == nil || len(r.Claims) != 2 || !settled(r.Claims, "tuesday", "slack") || !settled(r.Claims, "tuesday", "teams") {
				t.Errorf("the newest record is %+v", r)
			}
			if names := server.Names(testBucket); len(names) != 6 {
				t.Errorf("records %q", names)
			}
		})
	}
}

// bucketOf returns a store in s without its faults.
func bucketOf(t *testing.T, s *emulator.Server) Objects {
	t.Helper()
	clean := strict()
	for _, key := range s.Names(testBucket) {
		data, _ := s.Object(testBucket, key)
		clean.Put(testBucket, key, data)
	}
	return bucket(t, clean)
}

func TestUnreadableRecordsAreSkippedAndReported(t *testing.T) {
	for name, damage := range map[string]emulator.Damage{"short": emulator.Short, "cut": emulator.Cut, "mangled": emulator.Mangled} {
		t.Run(name, func(t *testing.T) {
			s, _, server := damaged(t, emulator.Fault{Operation: emulator.GetObject, Key: newestKey, Damage: damage})
			wantCodes(t, s, CodeUnreadable)
			if names := server.Names(testBucket); !slices.Contains(names, "team/state/"+recordName(4)) {
				t.Errorf("records %q", names)
			}
		})
	}
}

// If no record is left, the problem says that nothing is remembered.
func TestNoRecordLeft(t *testing.T) {
	server := strict()
	o := bucket(t, server)
	deliver(t, o, intent("monday", listing(testTime)))
	for _, name := range server.Names(testBucket) {
		server.Put(testBucket, name, []byte("not a record"))
	}
	s, turn := deliver(t, o, intent("tuesday", listing(testTime.Add(day))))
	wantCodes(t, s, CodeUnreadable)
	if text := s.Problems()[0].Message; !strings.Contains(text, "nothing is remembered") || !turn.Due("slack", Schedule{Location: time.UTC}).First {
		t.Errorf("problem %q, due %+v", text, turn.Due("slack", Schedule{Location: time.UTC}))
	}
}

func TestForeignObjectsAreIgnored(t *testing.T) {
	server := strict()
	for _, name := range []string{"runs/README.md", "runs/9.json.gz", "runs/999999999999.json.gz.tmp", "runs/sub/000000000009.json.gz", "other"} {
		server.Put(testBucket, "team/state/"+name, []byte("x"))
	}
	s, _ := deliver(t, bucket(t, server), intent("monday", listing(testTime)))
	wantCodes(t, s)
	server.Put(testBucket, "team/state/"+recordName(50), []byte("not a record"))
	s, turn := deliver(t, bucket(t, server), intent("monday", listing(testTime)))
	wantCodes(t, s, CodeUnreadable)
	if len(turn.Channels) != 0 {
		t.Errorf("the record before is not the state: %q", turn.Channels)
	}
	deliver(t, bucket(t, server), intent("tuesday", listing(testTime.Add(day))))
	if names := server.Names(testBucket); !slices.Contains(names, "team/state/"+recordName(51)) {
		t.Errorf("records %q", names)
	}
}

func TestARecordThatVanishesIsListedAgain(t *testing.T) {
	s, turn, _ := damaged(t, emulator.Fault{Operation: emulator.GetObject, Key: newestKey, Damage: emulator.Vanished, Times: 1})
	wantCodes(t, s)
	if len(turn.Channels) != 2 {
		t.Errorf("channels %q", turn.Channels)
	}
}

func TestNewerVersionIsLeftAlone(t *testing.T) {
	server := strict()
	o := bucket(t, server)
	deliver(t, o, intent("monday", listing(testTime)))
	server.Put(testBucket, "team/state/"+recordName(4), compress(t, `{"version":2,"rows":[]}`))
	before := len(server.Names(testBucket))
	s, turn := deliver(t, o, intent("tuesday", listing(testTime)))
	wantCodes(t, s, CodeNewer)
	if len(turn.Channels) != 2 || len(server.Names(testBucket)) != before {
		t.Errorf("channels %q, %d records", turn.Channels, len(server.Names(testBucket)))
	}
}

func TestARunGoesOnWithoutItsStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	noBucket := strict()
	noBucket.Buckets = []string{"another"}
	for name, o := range map[string]Objects{
		"a file instead of the folder": Folder(file),
		"refused":                      bucketAt(t, closed.URL),
		"nothing answers":              bucket(t, strict(emulator.Fault{Delay: time.Hour})),
		"half an answer":               bucket(t, strict(emulator.Fault{Damage: emulator.Stalled})),
		"every answer 500":             bucket(t, strict(emulator.Fault{Answer: emulator.Refusal(500, "InternalError", "role-token")})),
		"every answer 403":             bucket(t, strict(emulator.Fault{Answer: emulator.Refusal(403, "AccessDenied", "role-token")})),
		"resets":                       bucket(t, strict(emulator.Fault{Damage: emulator.Lost})),
		"no such bucket":               bucket(t, noBucket),
		"puts are denied":              bucket(t, strict(emulator.Fault{Operation: emulator.PutObject, Answer: emulator.Refusal(403, "AccessDenied", "role-token")})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			s, turn := deliver(t, o, intent("monday", listing(testTime, fine("a", testTime))))
			if took := time.Since(start); took > sessionTime+5*time.Second {
				t.Errorf("the run took %s", took)
			}
			wantCodes(t, s, CodeUnavailable)
			if len(turn.Channels) != 2 || turn.Until.Before(start) {
				t.Errorf("turn %+v", turn)
			}
			if text := s.Problems()[0].Message; strings.Contains(text, "role-") || strings.Contains(text, "http://") {
				t.Errorf("the problem shows too much: %s", text)
			}
		})
	}
}

// The store fails after the claim: what the channels answered is stored with
// the next outcome.
func TestOutcomesSurviveAPassingFailure(t *testing.T) {
	server := strict()
	o := bucket(t, server)
	s, turn := claim(t, o, intent("monday", listing(testTime)))
	server.Faults = []emulator.Fault{{Operation: emulator.PutObject, Answer: emulator.Refusal(403, "AccessDenied", "No."), Times: 1}}
	turn.Record(t.Context(), "slack", Delivered)
	wantCodes(t, s, CodeUnavailable)
	turn.Record(t.Context(), "teams", Delivered)
	wantCodes(t, s)
	if _, turn := deliver(t, o, intent("monday", listing(testTime))); len(turn.Channels) != 0 {
		t.Errorf("sent again to %q", turn.Channels)
	}
}

func TestFinishRemovesOldRecords(t *testing.T) {
	server := strict(emulator.Fault{Operation: emulator.DeleteObject, Answer: emulator.Refusal(403, "AccessDenied", "No."), Times: 1})
	o := bucket(t, server)
	now := time.Now()
	for n := range int64(30) {
		at := now.Add(-200 * day).Add(time.Duration(n) * day)
		object, err := encode(Record{Sequence: n + 1, Written: at, Snapshot: Snapshot{At: at}, Days: []Day{{First: 1, At: now.Add(-200 * day)}}})
		if err != nil {
			t.Fatal(err)
		}
		server.Put(testBucket, "team/state/"+recordName(n+1), object)
	}
	s, _ := deliver(t, o, intent("monday", listing(now)))
	wantCodes(t, s, CodeUntidy)
	s, _ = deliver(t, o, intent("tuesday", listing(now.Add(time.Second))))
	wantCodes(t, s)
	names := server.Names(testBucket)
	if len(names) != keepAtLeast || names[keepAtLeast-1] != "team/state/"+recordName(36) {
		t.Errorf("left %q", names)
	}
}
