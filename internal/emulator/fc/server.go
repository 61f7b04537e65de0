// Package fc stands in for Function Compute 3.0 while a function is deployed:
// its control API (2023-03-30), the token for uploads of the older API
// (2016-08-15), and the bucket that the code is uploaded to. [Server] is an
// http.Handler in memory. It refuses what the documentation and the schema of
// the deployer's component rule out, and what [Server.Allow] denies.
//
// It checks the access key of a request but not its signature. Creating log
// projects is another service's and is not emulated.
//
//	https://www.alibabacloud.com/help/en/functioncompute/fc/developer-reference/api-fc-2023-03-30-overview
package fc

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	account = "1234567890123456"
	region  = "cn-shanghai"
	keyID   = "emulator"

	// Bucket is the host that code is uploaded to.
	Bucket = "temp-code.oss-accelerate.aliyuncs.com"

	uploadKey, uploadToken = "STS.upload", "upload-token"
	maxBody                = 64 << 20
)

// Server emulates the control API. The zero value is ready for use. Its account
// is 1234567890123456, its region cn-shanghai and its access key id emulator.
type Server struct {
	// Allow reports whether RAM allows the caller an action on a resource. Nil
	// means that everything is allowed.
	Allow func(action, resource string) bool

	mu        sync.Mutex
	functions map[string]*Function
	uploads   map[string][]byte // by object name
	once      sync.Once
	mux       http.ServeMux
}

// A Function is a deployed function.
type Function struct {
	Config   FunctionConfig
	Code     []byte // the zip
	Triggers map[string]Trigger
	Async    *AsyncConfig // nil without one
}

// Function returns the function of a name, nil if there is none.
func (s *Server) Function(name string) *Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.functions[name]
}

// A refusal is an error of the API.
type refusal struct {
	status        int
	Code, Message string
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.once.Do(s.routes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// routes are the calls, each with its action in RAM.
func (s *Server) routes() {
	s.functions, s.uploads = map[string]*Function{}, map[string][]byte{}
	const function = "/2023-03-30/functions/{function}"
	for _, route := range []struct {
		pattern, action string
		handle          func(*http.Request) (any, *refusal)
	}{
		{"GET /2016-08-15/tempBucketToken", "fc:GetTempBucketToken", s.tempBucketToken},
		{"PUT " + Bucket + "/{object...}", "", s.upload},
		{"POST /2023-03-30/functions", "fc:CreateFunction", s.createFunction},
		{"GET " + function, "fc:GetFunction", s.getFunction},
		{"PUT " + function, "fc:UpdateFunction", s.updateFunction},
		{"POST " + function + "/triggers", "fc:CreateTrigger", s.createTrigger},
		{"GET " + function + "/triggers/{trigger}", "fc:GetTrigger", s.getTrigger},
		{"PUT " + function + "/triggers/{trigger}", "fc:UpdateTrigger", s.updateTrigger},
		{"GET " + function + "/async-invoke-config", "fc:GetAsyncInvokeConfig", s.getAsync},
		{"PUT " + function + "/async-invoke-config", "fc:PutAsyncInvokeConfig", s.putAsync},
	} {
		s.mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			out, refused := any(nil), s.authorize(r, route.action)
			if refused == nil {
				out, refused = route.handle(r)
			}
			respond(w, out, refused)
		})
	}
}

// authorize checks the access key and asks Allow. The resource of a call for a
// function is that function; of any other call it is all resources.
func (s *Server) authorize(r *http.Request, action string) *refusal {
	key := map[bool]string{true: uploadKey, false: keyID}[r.Host == Bucket]
	given := r.Header.Get("Authorization")
	if !slices.ContainsFunc([]string{"ACS3-HMAC-SHA256 Credential=" + key + ",", "FC " + key + ":", "OSS " + key + ":"}, func(p string) bool { return strings.HasPrefix(given, p) }) {
		return refuse(http.StatusForbidden, "InvalidAccessKeyID", "the access key of %q is not known", given)
	}
	if action == "" {
		return nil
	}
	resource := "*"
	if name := r.PathValue("function"); name != "" {
		resource = "acs:fc:" + region + ":" + account + ":functions/" + name
	} else if action == "fc:CreateFunction" {
		var named struct{ FunctionName string }
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil || json.Unmarshal(body, &named) != nil {
			return refuse(http.StatusBadRequest, "InvalidArgument", "the body is not JSON")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		resource = "acs:fc:" + region + ":" + account + ":functions/" + named.FunctionName
	}
	if s.Allow != nil && !s.Allow(action, resource) {
		return refuse(http.StatusForbidden, "AccessDenied", "the caller is not authorized to perform %s on resource %s", action, resource)
	}
	return nil
}

func respond(w http.ResponseWriter, out any, refused *refusal) {
	status := http.StatusOK
	if refused != nil {
		status = refused.status
		out = map[string]string{"Code": refused.Code, "Message": refused.Message, "RequestId": rand.Text()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // fails only if the caller is gone
}

// tempBucketToken returns what an upload needs. The object's name goes below
// the account's id.
func (s *Server) tempBucketToken(*http.Request) (any, *refusal) {
	bucket, _, _ := strings.Cut(Bucket, ".")
	return map[string]any{
		"credentials": map[string]string{"AccessKeyId": uploadKey, "AccessKeySecret": "upload-secret", "SecurityToken": uploadToken},
		"ossBucket":   bucket, "objectName": rand.Text(),
	}, nil
}

// upload keeps an object, which must be a zip.
func (s *Server) upload(r *http.Request) (any, *refusal) {
	name := r.PathValue("object")
	if r.Header.Get("x-oss-security-token") != uploadToken {
		return nil, refuse(http.StatusForbidden, "InvalidSecurityToken", "the security token is not the one of the upload")
	}
	if !strings.HasPrefix(name, account+"/") {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "the object %s is not of the account %s", name, account)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "IncompleteBody", "the body cannot be read: %v", err)
	}
	if _, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "the object is not a zip: %v", err)
	}
	s.uploads[name] = body
	return struct{}{}, nil
}
