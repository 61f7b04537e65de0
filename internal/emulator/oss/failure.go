package oss

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// A failure is an error response of OSS:
// https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses
type failure struct {
	status        int
	code, message string
}

func refuse(status int, code, format string, args ...any) *failure {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

func (f *failure) write(w http.ResponseWriter, in *request) {
	writeXML(w, f.status, struct {
		XMLName                          xml.Name `xml:"Error"`
		Code, Message, RequestId, HostId string
	}{Code: f.code, Message: f.message, RequestId: in.id, HostId: in.host})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	body, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s%s\n", xml.Header, body)
}
