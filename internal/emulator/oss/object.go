package oss

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"hash/crc64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An object is what PutObject stored.
type object struct {
	data            []byte
	contentType     string
	contentEncoding string
	modified        time.Time
}

func (o object) etag() string {
	sum := md5.Sum(o.data)
	return `"` + strings.ToUpper(hex.EncodeToString(sum[:])) + `"`
}

// Put stores an object without a request, for tests that prepare a bucket.
func (s *Server) Put(bucket, key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(bucket+"/"+key, object{data: bytes.Clone(data), modified: s.now()})
}

// Object returns the content of an object, and whether it exists.
func (s *Server) Object(bucket, key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.objects[bucket+"/"+key]
	return bytes.Clone(o.data), found
}

// Names returns the sorted keys of a bucket.
func (s *Server) Names(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		if key, ok := strings.CutPrefix(path, bucket+"/"); ok {
			names = append(names, key)
		}
	}
	return names
}

func (s *Server) put(path string, o object) {
	if s.objects == nil {
		s.objects = map[string]object{}
	}
	s.objects[path] = o
}

// putObject implements
// https://www.alibabacloud.com/help/en/oss/developer-reference/putobject
func (s *Server) putObject(w http.ResponseWriter, in *request) {
	forbid := in.header.Get("x-oss-forbid-overwrite")
	if !slices.Contains([]string{"", "true", "false"}, strings.ToLower(forbid)) {
		refuse(http.StatusBadRequest, "InvalidArgument", "The value of x-oss-forbid-overwrite is invalid.").write(w, in)
		return
	}
	if sum := in.header.Get("Content-MD5"); sum != "" {
		if got := md5.Sum(in.body); sum != base64.StdEncoding.EncodeToString(got[:]) {
			refuse(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified is not valid.").write(w, in)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := in.bucket + "/" + in.key
	_, exists := s.objects[path]
	if exists && strings.EqualFold(forbid, "true") && s.Versioning == Unversioned {
		// https://www.alibabacloud.com/help/en/oss/user-guide/0026-00000002
		refuse(http.StatusConflict, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.").write(w, in)
		return
	}
	o := object{data: in.body, contentType: in.header.Get("Content-Type"), contentEncoding: in.header.Get("Content-Encoding"), modified: s.now()}
	s.put(path, o)
	w.Header().Set("ETag", o.etag())
	w.Header().Set("x-oss-hash-crc64ecma", checksum(o.data))
	w.WriteHeader(http.StatusOK)
}

// getObject implements
// https://www.alibabacloud.com/help/en/oss/developer-reference/getobject
func (s *Server) getObject(w http.ResponseWriter, in *request) {
	s.mu.Lock()
	o, found := s.objects[in.bucket+"/"+in.key]
	s.mu.Unlock()
	if !found {
		refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.").write(w, in)
		return
	}
	h := w.Header()
	h.Set("Content-Type", cmp.Or(o.contentType, "application/octet-stream"))
	if o.contentEncoding != "" {
		h.Set("Content-Encoding", o.contentEncoding)
	}
	h.Set("Content-Length", strconv.Itoa(len(o.data)))
	h.Set("ETag", o.etag())
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("x-oss-hash-crc64ecma", checksum(o.data))
	h.Set("x-oss-object-type", "Normal")
	w.WriteHeader(http.StatusOK)
	w.Write(o.data)
}

// deleteObject implements
// https://www.alibabacloud.com/help/en/oss/developer-reference/deleteobject
// A missing object is deleted successfully.
func (s *Server) deleteObject(w http.ResponseWriter, in *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, in.bucket+"/"+in.key)
	w.WriteHeader(http.StatusNoContent)
}

var ecma = crc64.MakeTable(crc64.ECMA)

// checksum returns the CRC-64 that OSS sends with an object.
func checksum(data []byte) string { return strconv.FormatUint(crc64.Checksum(data, ecma), 10) }
