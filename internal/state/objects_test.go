package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"matrix-expiry-report/internal/config"
	emulator "matrix-expiry-report/internal/emulator/oss"
)

const testBucket = "reports"

// bucket returns a store in s, as the program builds it.
func bucket(t testing.TB, s *emulator.Server) Objects {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return bucketAt(t, server.URL)
}

func bucketAt(t testing.TB, address string) Objects {
	t.Helper()
	endpoint, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOSS(config.Store{Bucket: testBucket, Prefix: "team/state", Endpoint: endpoint}).
		Objects("eu-central-1", Credentials{AccessKeyID: "STS.role", AccessKeySecret: "role-secret", SecurityToken: "role-token"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// strict returns an emulator that accepts the requests of bucket only.
func strict(faults ...emulator.Fault) *emulator.Server {
	return &emulator.Server{
		Buckets: []string{testBucket}, Region: "eu-central-1", Faults: faults,
		Keys: map[string]emulator.Key{"STS.role": {Secret: "role-secret", SecurityToken: "role-token"}},
	}
}

func TestFolderConforms(t *testing.T) {
	conform(t, func(t *testing.T) Objects { return Folder(filepath.Join(t.TempDir(), "not", "there", "yet")) })
}

func TestOSSConforms(t *testing.T) {
	conform(t, func(t *testing.T) Objects { return bucket(t, strict()) })
}

// Every transient fault, once per operation, changes nothing that a user of the
// store sees, except that a put whose response was lost reports a conflict.
func TestOSSConformsWithTransientFaults(t *testing.T) {
	faults := map[string]emulator.Fault{
		"503":         {},
		"500 in HTML": {Answer: emulator.Refusal(500, "InternalError", "<html>")},
		"throttled":   {Answer: emulator.Refusal(503, "DownloadTrafficRateLimitExceeded", "Slow down.")},
		"clock skew":  {Answer: emulator.Refusal(403, "RequestTimeTooSkewed", "Skewed.")},
		"slow":        {Delay: 20 * time.Millisecond},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform(t, func(t *testing.T) Objects {
				var all []emulator.Fault
				for _, operation := range []string{emulator.PutObject, emulator.GetObject, emulator.ListObjectsV2, emulator.DeleteObject} {
					fault.Operation, fault.Times = operation, 1
					all = append(all, fault)
				}
				return bucket(t, strict(all...))
			})
		})
	}
}

// conform checks what every implementation of Objects must do.
func conform(t *testing.T, open func(*testing.T) Objects) {
	for name, check := range map[string]func(*testing.T, Objects){
		"ObjectsAreNeverOverwritten": checkObjectsAreNeverOverwritten,
		"BytesAreKept":               checkBytesAreKept,
		"NamesAreListedInOrder":      checkNamesAreListedInOrder,
		"OneOfManyPutsSucceeds":      checkOneOfManyPutsSucceeds,
		"Probe":                      checkProbe,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func checkObjectsAreNeverOverwritten(t *testing.T, o Objects) {
	ctx := t.Context()
	if _, err := o.Get(ctx, "runs/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get of a missing object: %v", err)
	}
	if names, err := o.List(ctx, "runs/", ""); err != nil || len(names) != 0 {
		t.Errorf("list of an empty store: %q, %v", names, err)
	}
	if err := o.Put(ctx, "runs/1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := o.Put(ctx, "runs/1", []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("put of an existing object: %v", err)
	}
	if got, err := o.Get(ctx, "runs/1"); err != nil || string(got) != "one" {
		t.Errorf("get: %q, %v", got, err)
	}
	for range 2 {
		if err := o.Delete(ctx, "runs/1"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := o.Get(ctx, "runs/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get of a deleted object: %v", err)
	}
	if err := o.Put(ctx, "runs/1", []byte("three")); err != nil {
		t.Errorf("put of a deleted object: %v", err)
	}
}

func checkBytesAreKept(t *testing.T, o Objects) {
	ctx := t.Context()
	for i, data := range [][]byte{{}, {0x1f, 0x8b, 0, 0xff}, bytes.Repeat([]byte("x\r\n\x00"), 1<<20)} {
		name := fmt.Sprint("runs/", i, ".json.gz")
		if err := o.Put(ctx, name, data); err != nil {
			t.Fatal(err)
		}
		if got, err := o.Get(ctx, name); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %d bytes, %v; want %d", len(got), err, len(data))
		}
	}
}

func checkNamesAreListedInOrder(t *testing.T, o Objects) {
	ctx := t.Context()
	for _, name := range []string{"runs/3", "runs/10", "other/2", "runs/2", "runs/1"} {
		if err := o.Put(ctx, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	for after, want := range map[string][]string{
		"": {"runs/1", "runs/10", "runs/2", "runs/3"}, "runs/1": {"runs/10", "runs/2", "runs/3"},
		"runs/11": {"runs/2", "runs/3"}, "runs/3": nil,
	} {
		if got, err := o.List(ctx, "runs/", after); err != nil || !slices.Equal(got, want) {
			t.Errorf("after %q: %q, %v; want %q", after, got, err, want)
		}
	}
}

func checkOneOfManyPutsSucceeds(t *testing.T, o Objects) {
	var succeeded, refused atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			switch err := o.Put(t.Context(), "runs/1", []byte{byte(i)}); {
			case err == nil:
				succeeded.Add(1)
			case errors.Is(err, fs.ErrExist):
				refused.Add(1)
			default:
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	if succeeded.Load() != 1 || refused.Load() != 7 {
		t.Errorf("%d puts succeeded, %d were refused", succeeded.Load(), refused.Load())
	}
}

func checkProbe(t *testing.T, o Objects) {
	if err := Probe(t.Context(), o); err != nil {
		t.Error(err)
	}
	if names, err := o.List(t.Context(), "probe/", ""); err != nil || len(names) != 0 {
		t.Errorf("the probe left %q, %v", names, err)
	}
}

func TestOSSListsEveryPage(t *testing.T) {
	server := strict()
	o := bucket(t, server)
	for i := range 2500 {
		server.Put(testBucket, fmt.Sprintf("team/state/runs/%04d", i), nil)
	}
	names, err := o.List(t.Context(), "runs/", "")
	if err != nil || len(names) != 2500 || names[0] != "runs/0000" || names[2499] != "runs/2499" {
		t.Errorf("%d names, %v", len(names), err)
	}
	if pages := len(server.Requests()); pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

func TestProbeRefusesVersioning(t *testing.T) {
	for _, state := range []emulator.Versioning{emulator.Enabled, emulator.Suspended} {
		server := strict()
		server.Versioning = state
		if err := Probe(t.Context(), bucket(t, server)); !errors.Is(err, ErrOverwrites) {
			t.Errorf("versioning %s: %v", state, err)
		}
	}
}

func TestFolderWithoutHardLinks(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{syscall.EPERM: true, syscall.ENOTSUP: true, syscall.ENOSYS: true, syscall.EACCES: false, syscall.EEXIST: false, syscall.EIO: false} {
		err := linkError(&os.LinkError{Op: "link", Old: "a", New: "b", Err: errno})
		if errors.Is(err, ErrNoHardLinks) != want || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
}

func TestFolderIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []Folder{Folder(path), Folder(filepath.Join(path, "below"))} {
		if _, err := folder.List(t.Context(), "runs/", ""); err == nil {
			t.Errorf("list of %s succeeded", folder)
		}
		if err := folder.Put(t.Context(), "runs/1", nil); err == nil {
			t.Errorf("put into %s succeeded", folder)
		}
	}
}

func TestFolderIgnoresAndRemovesTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	runs := filepath.Join(dir, "runs")
	if err := os.Mkdir(runs, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{".tmp-old": 2 * time.Hour, ".tmp-new": time.Minute} {
		path := filepath.Join(runs, name)
		if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := Folder(dir).List(t.Context(), "runs/", ""); err != nil || len(names) != 0 {
		t.Errorf("listed %q, %v", names, err)
	}
	entries, err := os.ReadDir(runs)
	if err != nil || len(entries) != 1 || entries[0].Name() != ".tmp-new" {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestOSSEndpoints(t *testing.T) {
	for _, test := range []struct{ endpoint, region, wantEndpoint, wantRegion string }{
		{"", "cn-hangzhou", "https://oss-cn-hangzhou-internal.aliyuncs.com", "cn-hangzhou"},
		{"https://oss-cn-hangzhou.aliyuncs.com", "", "https://oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"},
		{"https://oss-eu-central-1-internal.aliyuncs.com/", "cn-hangzhou", "https://oss-eu-central-1-internal.aliyuncs.com", "eu-central-1"},
		{"http://127.0.0.1:9000", "", "http://127.0.0.1:9000", "cn-hangzhou"},
		{"http://[::1]:9000", "cn-beijing", "http://[::1]:9000", "cn-beijing"},
		{"http://localhost:9000", "", "http://localhost:9000", "cn-hangzhou"},
	} {
		env := config.NewEnv(func(name string) string {
			return map[string]string{"STATE_URL": "oss://bucket", "OSS_ENDPOINT": test.endpoint}[name]
		})
		c, err := NewOSS(config.Load(env).Store).config(test.region)
		if err != nil {
			t.Errorf("%s: %v", test.endpoint, err)
			continue
		}
		if *c.Endpoint != test.wantEndpoint || *c.Region != test.wantRegion || *c.UsePathStyle != strings.HasPrefix(test.endpoint, "http:") {
			t.Errorf("%q in %q: %s, %s, path style %t", test.endpoint, test.region, *c.Endpoint, *c.Region, *c.UsePathStyle)
		}
	}
	if _, err := NewOSS(config.Store{Bucket: "bucket"}).Objects("", Credentials{}); err == nil || !strings.Contains(err.Error(), "OSS_ENDPOINT is required") {
		t.Errorf("outside the cloud without an endpoint: %v", err)
	}
}

func TestOSSErrorsShowCodeStatusAndRequestIDOnly(t *testing.T) {
	const secretText = "role-token and role-secret"
	for name, fault := range map[string]emulator.Fault{
		"refused":      {Answer: emulator.Refusal(403, "AccessDenied", secretText)},
		"odd code":     {Answer: emulator.Refusal(400, "Odd "+secretText, secretText)},
		"unknown key":  {Answer: emulator.Refusal(403, "InvalidAccessKeyId", secretText)},
		"lost answers": {Damage: emulator.Lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := bucket(t, strict(fault))
			errs := []error{o.Put(t.Context(), "runs/1", nil), o.Delete(t.Context(), "runs/1")}
			_, err := o.Get(t.Context(), "runs/1")
			errs = append(errs, err)
			_, err = o.List(t.Context(), "runs/", "")
			for _, err := range append(errs, err) {
				if err == nil {
					t.Error("no error")
					continue
				}
				for _, text := range []string{"role-secret", "role-token", "STS.role", "http://", "OSS4"} {
					if strings.Contains(err.Error(), text) {
						t.Errorf("the error has %q: %v", text, err)
					}
				}
			}
			if e, ok := errors.AsType[*OSSError](errs[0]); name == "refused" && (!ok || e.Code != "AccessDenied" || e.Status != 403 || len(e.RequestID) != 24) {
				t.Errorf("got %v", errs[0])
			}
		})
	}
}

func TestOSSSendsNoContentEncoding(t *testing.T) {
	server := strict()
	if err := bucket(t, server).Put(t.Context(), "runs/1", []byte{0x1f, 0x8b}); err != nil {
		t.Fatal(err)
	}
	h := server.Requests()[0].Header
	if h.Get("Content-Encoding") != "" || h.Get("x-oss-forbid-overwrite") != "true" {
		t.Errorf("headers %v", h)
	}
}
