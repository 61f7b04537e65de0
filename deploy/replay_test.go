package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fakefc "matrix-expiry-report/internal/emulator/fc"
)

// account is that of the stand-in for Function Compute.
const account = "1234567890123456"

// A deployment sends the requests of the component fc3, which Serverless Devs
// takes from a registry of its own, so that it cannot be run here. They are
// those of its source, in its order:
// https://github.com/devsapp/fc3/tree/master/src
type deployment struct {
	url   string         // of the stand-in
	props map[string]any // as resolved by Serverless Devs
	code  string         // the folder that props.code names

	upload struct { // the answer to tempBucketToken
		Credentials                struct{ AccessKeyID, SecurityToken string }
		OSSBucket, ObjectName, Key string
	}
}

// run sends all requests, until one is refused.
func (d *deployment) run(ctx context.Context) error {
	name := fmt.Sprint(d.props["functionName"])
	function := "/2023-03-30/functions/" + name
	type step struct {
		method, path string
		body         func() (any, error)
		missing      bool // 404 is the answer that a first deployment expects
	}
	steps := []step{
		{"GET", function, nil, true},
		{"GET", "/2016-08-15/tempBucketToken", nil, false},
		{"PUT", "upload", d.zip, false},
		{"GET", function, nil, true},
		{"POST", "/2023-03-30/functions", d.function, false},
	}
	for _, t := range d.props["triggers"].([]any) {
		trigger := t.(map[string]any)
		steps = append(steps,
			step{"GET", function + "/triggers/" + fmt.Sprint(trigger["triggerName"]), nil, true},
			step{"POST", function + "/triggers", func() (any, error) { return withJSONConfig(trigger) }, false})
	}
	steps = append(steps,
		step{"GET", function + "/async-invoke-config?qualifier=LATEST", nil, true},
		step{"PUT", function + "/async-invoke-config?qualifier=LATEST", func() (any, error) { return d.props["asyncInvokeConfig"], nil }, false})
	for _, s := range steps {
		var body any
		if s.body != nil {
			var err error
			if body, err = s.body(); err != nil {
				return err
			}
		}
		status, err := d.send(ctx, s.method, s.path, body)
		if err != nil && !(s.missing && status == http.StatusNotFound) {
			return fmt.Errorf("%s %s: %w", s.method, s.path, err)
		}
	}
	return nil
}

// send sends one request, signed in name only: the stand-in checks the key.
func (d *deployment) send(ctx context.Context, method, target string, body any) (status int, err error) {
	b, ok := body.([]byte)
	if !ok && body != nil {
		if b, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	upload := target == "upload"
	if upload {
		target = "/" + account + "/" + d.upload.ObjectName
	}
	req, err := http.NewRequestWithContext(ctx, method, d.url+target, bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	switch {
	case upload:
		req.Host = fakefc.Bucket // not the internal host: fc3 uses that if FC_REGION is the region
		req.Header.Set("Authorization", "OSS "+d.upload.Credentials.AccessKeyID+":…")
		req.Header.Set("x-oss-security-token", d.upload.Credentials.SecurityToken)
	case strings.HasPrefix(target, "/2016"):
		req.Header.Set("Authorization", "FC emulator:…")
	default:
		req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential=emulator,SignedHeaders=…,Signature=…")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, fmt.Errorf("%d %s", res.StatusCode, answer)
	}
	if strings.HasSuffix(target, "tempBucketToken") {
		return res.StatusCode, json.Unmarshal(answer, &d.upload)
	}
	return res.StatusCode, nil
}

// function returns the body of CreateFunction: the properties that are the
// function's own, with the role as an ARN in lower case, the log project of
// "auto", and the code as uploaded.
func (d *deployment) function() (any, error) {
	config := map[string]any{}
	for name, v := range d.props {
		if !slices.Contains([]string{"region", "triggers", "asyncInvokeConfig", "vpcBinding", "customDomain", "provisionConfig", "concurrencyConfig"}, name) {
			config[name] = v
		}
	}
	if role := fmt.Sprint(config["role"]); !strings.HasPrefix(role, "acs:") {
		config["role"] = strings.ToLower("acs:ram::" + account + ":role/" + role)
	}
	if config["logConfig"] == "auto" {
		config["logConfig"] = map[string]any{"project": "serverless-" + fmt.Sprint(d.props["region"]) + "-0", "logstore": "default-logs", "enableRequestMetrics": true, "enableInstanceMetrics": true, "logBeginRule": "DefaultRegex"}
	}
	config["code"] = map[string]any{"ossBucketName": d.upload.OSSBucket, "ossObjectName": account + "/" + d.upload.ObjectName}
	return config, nil
}

// withJSONConfig returns a trigger with its configuration as JSON in a string.
func withJSONConfig(trigger map[string]any) (any, error) {
	b, err := json.Marshal(trigger["triggerConfig"])
	out := map[string]any{}
	for name, v := range trigger {
		out[name] = v
	}
	out["triggerConfig"] = string(b)
	return out, err
}

// zip returns the folder of the code as a zip, without what its .fcignore
// names.
func (d *deployment) zip() (any, error) {
	ignore, err := os.ReadFile(filepath.Join(d.code, ".fcignore"))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err = fs.WalkDir(os.DirFS(d.code), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		for _, pattern := range strings.Fields(string(ignore)) {
			if ignored, _ := path.Match(pattern, path.Base(name)); ignored {
				return nil
			}
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		h, err := zip.FileInfoHeader(info)
		if err != nil {
			return err
		}
		h.Name, h.Method = name, zip.Deflate
		f, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		body, err := os.ReadFile(filepath.Join(d.code, name))
		if err == nil {
			_, err = f.Write(body)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

// allows returns what the policies in file decide, with its wildcards. The
// action except is left out.
func allows(t *testing.T, file, except string) func(action, resource string) bool {
	t.Helper()
	statements := readPolicy(t, file).Statement
	return func(action, resource string) bool {
		for _, s := range statements {
			if action == except || !slices.Contains(s.Action, action) {
				continue
			}
			for _, pattern := range s.Resource {
				prefix, rest, wild := strings.Cut(pattern, "*")
				if pattern == resource || wild && strings.HasPrefix(resource, prefix) && matchesRest(rest, resource[len(prefix):]) {
					return true
				}
			}
		}
		return false
	}
}

// matchesRest reports whether text matches a * and then pattern, where a * of
// RAM also matches slashes.
func matchesRest(pattern, text string) bool {
	next, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return strings.HasSuffix(text, pattern)
	}
	i := strings.Index(text, next)
	return i >= 0 && matchesRest(rest, text[i+len(next):])
}
