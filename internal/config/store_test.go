package config

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestStore(t *testing.T) {
	endpoint := func(address string) *url.URL {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	for value, want := range map[string]Store{
		"":                             {},
		"oss-cn-hangzhou.aliyuncs.com": {Endpoint: endpoint("https://oss-cn-hangzhou.aliyuncs.com"), Region: "cn-hangzhou"},
		"https://OSS-eu-central-1-internal.aliyuncs.com/": {Endpoint: endpoint("https://oss-eu-central-1-internal.aliyuncs.com"), Region: "eu-central-1"},
		"https://cn-shanghai.oss.aliyuncs.com":            {Endpoint: endpoint("https://cn-shanghai.oss.aliyuncs.com"), Region: "cn-shanghai"},
		"http://127.0.0.1:9000":                           {Endpoint: endpoint("http://127.0.0.1:9000")},
		"http://localhost:9000":                           {Endpoint: endpoint("http://localhost:9000")},
	} {
		want.Bucket, want.Prefix = "bucket", "state"
		s, err := load(map[string]string{"STATE_URL": "oss://bucket/state", "OSS_ENDPOINT": value})
		if err != nil || !reflect.DeepEqual(s.Store, want) {
			t.Errorf("%q: got %+v and the error %v, want %+v", value, s.Store, err, want)
		}
	}
}

// An invalid value turns the store off, and so NOTIFY_ON=changes.
func TestChangesNeedAStore(t *testing.T) {
	for _, c := range []struct{ state, endpoint, wantOn, wantErr string }{
		{"/var/lib/state", "", OnChanges, ""},
		{"oss://bucket/state", "", OnChanges, ""},
		{"", "", Always, "NOTIFY_ON: changes needs STATE_URL, which is not set"},
		{"", "oss-cn-hangzhou.aliyuncs.com", Always, "NOTIFY_ON: changes needs STATE_URL, which is not set"},
		{"bucket", "", Always, `STATE_URL: "bucket" is not of the form oss://bucket/prefix, or the path of a folder such as /var/lib/matrix-expiry-report`},
		{"oss://bucket/state", "example.com", Always, `OSS_ENDPOINT: "example.com" is not an endpoint that names its region, such as https://oss-cn-hangzhou.aliyuncs.com (http:// only on a loopback address)`},
	} {
		values := map[string]string{"NOTIFY_ON": "changes", "STATE_URL": c.state, "OSS_ENDPOINT": c.endpoint}
		env := NewEnv(func(name string) string { return values[name] })
		s, got := Load(env), ""
		if err := env.Err(); err != nil {
			got = err.Error()
		}
		if s.NotifyOn != c.wantOn || got != c.wantErr {
			t.Errorf("%+v: got %s and %q", c, s.NotifyOn, got)
		}
		if _, err := s.With(Overrides{NotifyOn: OnChanges}); (err == nil) != (c.wantOn == OnChanges) || err != nil && !strings.Contains(err.Error(), "notify_on: changes needs STATE_URL") {
			t.Errorf("%+v, as an override: %v", c, err)
		}
		for _, m := range env.Mistakes() {
			if strings.HasPrefix(m.Err.Error(), "NOTIFY_ON") == (m.Part == State) {
				t.Errorf("%v turns off %q", m.Err, m.Part)
			}
		}
	}
}
