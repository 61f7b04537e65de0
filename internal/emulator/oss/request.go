package oss

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// The operations of the emulator.
const (
	PutObject     = "PutObject"
	GetObject     = "GetObject"
	DeleteObject  = "DeleteObject"
	ListObjectsV2 = "ListObjectsV2"
)

// A request is a received request, taken apart.
type request struct {
	operation   string
	method      string
	bucket, key string
	header      http.Header
	host        string
	rawQuery    string
	query       url.Values
	body        []byte
	id          string // the request id of the response
}

// readRequest parses r. What it could parse of an invalid request is returned
// too, for the faults and the log.
func readRequest(w http.ResponseWriter, r *http.Request) (*request, *failure) {
	in := &request{method: r.Method, header: r.Header, host: r.Host, rawQuery: r.URL.RawQuery, id: requestID()}
	in.bucket, in.key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var err error
	if in.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return in, refuse(http.StatusBadRequest, "InvalidArgument", "The query cannot be parsed.")
	}
	switch {
	case in.bucket == "":
	case in.key == "" && r.Method == http.MethodGet && in.query.Get("list-type") == "2":
		in.operation = ListObjectsV2
	case in.key != "" && r.Method == http.MethodPut:
		in.operation = PutObject
	case in.key != "" && r.Method == http.MethodGet:
		in.operation = GetObject
	case in.key != "" && r.Method == http.MethodDelete:
		in.operation = DeleteObject
	}
	if in.operation == "" {
		return in, refuse(http.StatusNotImplemented, "NotImplemented", "A header or query you provided implies functionality that is not implemented.")
	}
	if in.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes)); err != nil {
		return in, refuse(http.StatusBadRequest, "IncompleteBody", "The request body could not be read.")
	}
	return in, nil
}

// requestID returns an id of the form that OSS uses, such as
// 636B68BA80DA8539399F0123.
func requestID() string {
	var b [12]byte
	rand.Read(b[:])
	return strings.ToUpper(hex.EncodeToString(b[:]))
}
