package handler

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aliyun/fc-runtime-go-sdk/events"
)

// maxAnswerBytes is what an answer may have, a little below the 32 MB of the
// platform.
// https://www.alibabacloud.com/help/en/functioncompute/fc/product-overview/limits
const maxAnswerBytes = 30 << 20

// A recorder keeps an answer until it can be put into the event's form.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// response joins what the event's form has only one place for.
func (r *recorder) response() events.HTTPTriggerResponse {
	res := events.HTTPTriggerResponse{StatusCode: r.status, Headers: map[string]string{}, Body: r.body.String()}
	for name, values := range r.header {
		res.Headers[name] = strings.Join(values, ", ")
	}
	if !utf8.ValidString(res.Body) {
		res.Body, res.IsBase64Encoded = base64.StdEncoding.EncodeToString(r.body.Bytes()), true
	}
	return res
}
