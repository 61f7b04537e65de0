package oss

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The page sizes of ListObjectsV2.
const (
	defaultMaxKeys = 100
	maxMaxKeys     = 1000
)

type listedObject struct {
	Key, ETag, LastModified, Type, StorageClass string
	Size                                        int
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name, Prefix          string
	MaxKeys               int
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	NextContinuationToken string         `xml:",omitempty"`
	Contents              []listedObject `xml:",omitempty"`
	KeyCount              int
}

// listObjects implements ListObjectsV2, without delimiters:
// https://www.alibabacloud.com/help/en/oss/developer-reference/listobjectsv2
func (s *Server) listObjects(w http.ResponseWriter, in *request) {
	page, failure := newListing(in)
	if failure != nil {
		failure.write(w, in)
		return
	}
	after := page.StartAfter
	if page.ContinuationToken != "" { // it takes precedence over start-after
		decoded, err := base64.RawURLEncoding.DecodeString(page.ContinuationToken)
		if err != nil {
			refuse(http.StatusBadRequest, "InvalidArgument", "The continuation token is invalid.").write(w, in)
			return
		}
		after = string(decoded)
	}
	encode := func(s string) string { return s }
	if page.EncodingType == "url" {
		encode = url.QueryEscape
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := ""
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		key, ok := strings.CutPrefix(path, in.bucket+"/")
		if !ok || !strings.HasPrefix(key, page.Prefix) || key <= after {
			continue
		}
		if page.KeyCount == page.MaxKeys {
			page.IsTruncated, page.NextContinuationToken = true, base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		o := s.objects[path]
		page.Contents = append(page.Contents, listedObject{
			Key: encode(key), ETag: o.etag(), LastModified: o.modified.UTC().Format("2006-01-02T15:04:05.000Z"),
			Type: "Normal", StorageClass: "Standard", Size: len(o.data),
		})
		page.KeyCount++
		last = key
	}
	page.Prefix, page.StartAfter = encode(page.Prefix), encode(page.StartAfter)
	writeXML(w, http.StatusOK, page)
}

// newListing returns an empty page for the parameters of in.
func newListing(in *request) (*listing, *failure) {
	page := &listing{
		Name: in.bucket, Prefix: in.query.Get("prefix"), StartAfter: in.query.Get("start-after"),
		ContinuationToken: in.query.Get("continuation-token"), EncodingType: in.query.Get("encoding-type"), MaxKeys: defaultMaxKeys,
	}
	if text := in.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxMaxKeys {
			return nil, refuse(http.StatusBadRequest, "InvalidArgument", "Argument max-keys must be an integer between 1 and %d.", maxMaxKeys)
		}
		page.MaxKeys = n
	}
	if page.EncodingType != "" && page.EncodingType != "url" {
		return nil, refuse(http.StatusBadRequest, "InvalidEncodingType", "Invalid encoding type.")
	}
	if in.query.Get("delimiter") != "" {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "Delimiters are not implemented.")
	}
	return page, nil
}
