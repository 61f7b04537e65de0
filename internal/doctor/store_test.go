package doctor

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/config"
	fakeoss "matrix-expiry-report/internal/emulator/oss"
	"matrix-expiry-report/internal/state"
)

func TestStore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder, full, damaged := state.Folder(t.TempDir()), state.Folder(t.TempDir()), state.Folder(t.TempDir())
	session := state.Open(full)
	turn, err := session.Claim(t.Context(), state.Intent{Event: "daily", Channels: []string{"slack"}, Send: time.Second, Location: time.UTC})
	if err != nil || session.Problems() != nil {
		t.Fatal(err, session.Problems())
	}
	turn.Finish(t.Context())
	if err := damaged.Put(t.Context(), "runs/000000000001.json.gz", []byte("torn")); err != nil {
		t.Fatal(err)
	}
	bucket := func(s *fakeoss.Server) state.Objects {
		s.Buckets = []string{"reports"}
		u, err := url.Parse(start(t, s))
		if err != nil {
			t.Fatal(err)
		}
		o, err := state.NewOSS(config.Store{Bucket: "reports", Prefix: "state", Endpoint: u}).Objects("", state.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	denied := func(operation string) *fakeoss.Server {
		return &fakeoss.Server{Faults: []fakeoss.Fault{{Operation: operation, Answer: fakeoss.Refusal(403, "AccessDenied", "no")}}}
	}
	elsewhere := &fakeoss.Server{}
	missing := bucket(elsewhere)
	elsewhere.Buckets = []string{"others"}
	for name, c := range map[string]struct {
		objects state.Objects
		want    want
	}{
		"an empty folder":      {folder, want{"", OK, "remembers no run yet", ""}},
		"a folder":             {full, want{"", OK, "last written on ", ""}},
		"an unreadable record": {damaged, want{"", Warn, "000000000001.json.gz", "STATE_URL"}},
		"a file":               {state.Folder(file), want{"", Fail, "not a directory", "check STATE_URL"}},
		"a bucket":             {bucket(&fakeoss.Server{}), want{"", OK, "can be used", ""}},
		"versioning":           {bucket(&fakeoss.Server{Versioning: fakeoss.Enabled}), want{"", Fail, "versioning", "create another bucket"}},
		"suspended versioning": {bucket(&fakeoss.Server{Versioning: fakeoss.Suspended}), want{"", Fail, "versioning", "create another bucket"}},
		"no bucket":            {missing, want{"", Fail, "NoSuchBucket", "create the bucket"}},
		"writes are denied":    {bucket(denied(fakeoss.PutObject)), want{"", Fail, "write: put object: AccessDenied", "deploy/ram/function.json"}},
		"reads are denied":     {bucket(denied(fakeoss.GetObject)), want{"", Fail, "read: get object: AccessDenied", "deploy/ram/function.json"}},
		"lists are denied":     {bucket(denied(fakeoss.ListObjectsV2)), want{"", Fail, "list: list objects: AccessDenied", "deploy/ram/function.json"}},
		"deletions are denied": {bucket(denied(fakeoss.DeleteObject)), want{"", Fail, "delete: delete object: AccessDenied", "deploy/ram/function.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			checker := newChecker(nil)
			checker.Store = func(context.Context) (state.Objects, error) { return c.objects, nil }
			c.want.Name = "state store"
			expect(t, checker.store(t.Context()), c.want)
			if names, err := c.objects.List(t.Context(), "probe/", ""); err == nil && len(names) > 0 && !strings.Contains(name, "deletions") {
				t.Errorf("the check left %q", names)
			}
		})
	}
	checker := newChecker(nil)
	expect(t, checker.store(t.Context()))
	checker.Store = func(context.Context) (state.Objects, error) { return nil, errors.New("no access key found") }
	expect(t, checker.store(t.Context()), want{"state store", Fail, "no access key found", "as without a store"})
}
