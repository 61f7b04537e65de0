package cloud

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// apiError is an error response of the API's gateway.
type apiError struct {
	status        int
	code, message string
}

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{status, code, fmt.Sprintf(format, args...)}
}

func (e *apiError) write(w http.ResponseWriter, in *call) { e.writeFor(w, in.id, in.host) }

func (e *apiError) writeFor(w http.ResponseWriter, id, host string) {
	writeJSON(w, e.status, id, struct {
		RequestId, HostId, Code, Message, Recommend string
	}{id, host, e.code, e.message, "https://api.aliyun.com/troubleshoot?" +
		url.Values{"q": {e.code}, "product": {"eds-aic"}, "requestId": {id}}.Encode()})
}

// APIError returns a handler that responds with an error in the form of the
// API's gateway, for use in a [Fault].
func APIError(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		(&apiError{status, code, message}).writeFor(w, requestID(), r.Host)
	}
}

func writeJSON(w http.ResponseWriter, status int, id string, v any) {
	var body strings.Builder
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header() // Date is set by net/http
	h.Set("Content-Type", "application/json;charset=utf-8")
	h.Set("x-acs-request-id", id)
	trace := md5.Sum([]byte(id))
	h.Set("x-acs-trace-id", hex.EncodeToString(trace[:]))
	w.WriteHeader(status)
	fmt.Fprint(w, strings.TrimSuffix(body.String(), "\n"))
}

// requestID returns a random id of the form F07A1DA1-E1EB-5CCA-8EED-12F85D32AAAA.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
