package state

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// version is the version of the records that this program writes.
const version = 1

// A Record is what one object holds.
type Record struct {
	Sequence  int64      `json:"sequence"`
	Writer    string     `json:"writer"` // the run and the number of its write
	Written   time.Time  `json:"written"`
	Snapshot  Snapshot   `json:"snapshot"`
	Days      []Day      `json:"days,omitempty"`      // a year of daily counts
	Claims    []Claim    `json:"claims,omitempty"`    // the last seven days
	Baselines []Baseline `json:"baselines,omitempty"` // one per channel
}

// An envelope is the JSON form of an object, as envelopeForm, the record and "}\n".
type envelope struct {
	version  int
	checksum string // of the bytes of the record
	record   []byte
}

const envelopeForm = `{"version":%d,"sha256":%q,"record":`

// openEnvelope parses an object. The record is a part of text. An object of a newer
// version may have another form, but has its version.
func openEnvelope(text []byte) (e envelope, err error) {
	const end = `"record":`
	if i := bytes.Index(text[:min(len(text), 200)], []byte(end)); i >= 0 && bytes.HasSuffix(text, []byte("}\n")) {
		i += len(end)
		if _, err := fmt.Sscanf(string(text[:i]), envelopeForm, &e.version, &e.checksum); err == nil {
			e.record = text[i : len(text)-2]
			return e, nil
		}
	}
	var other struct{ Version int }
	if json.Unmarshal(text, &other) != nil || other.Version <= version {
		return e, errors.New("not a record")
	}
	return envelope{version: other.Version}, nil
}

// The bounds of a record. maxNameBytes is what is kept of a name; a record
// beyond maxRecordBytes is written without names.
const (
	maxRecordBytes  = 4_000_000
	maxDecodedBytes = 64 << 20
	maxNameBytes    = 64
)

var (
	errNewer      = errors.New("the newest record was written by a newer version of this program")
	errUnreadable = errors.New("unreadable record")
	errTooMany    = errors.New("the record is too large")
)

// encode returns the object of a record.
func encode(r Record) ([]byte, error) {
	object, err := encodeOnce(r)
	if err == nil && len(object) > maxRecordBytes {
		r.Snapshot.Matrices = slices.Clone(r.Snapshot.Matrices)
		for i := range r.Snapshot.Matrices {
			r.Snapshot.Matrices[i].Name = ""
		}
		object, err = encodeOnce(r)
	}
	if err == nil && len(object) > maxObjectBytes {
		err = errTooMany
	}
	return object, err
}

// compressors holds *gzip.Writer, whose tables are large.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func encodeOnce(r Record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if len(body) > maxDecodedBytes/2 {
		return nil, errTooMany
	}
	sum := sha256.Sum256(body)
	var object bytes.Buffer
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(&object)
	// Not by json.Marshal: it would format the record again, and the checksum
	// is that of its bytes.
	fmt.Fprintf(z, envelopeForm, version, hex.EncodeToString(sum[:]))
	z.Write(body)
	io.WriteString(z, "}\n")
	if err := z.Close(); err != nil {
		return nil, err
	}
	return object.Bytes(), nil
}

// decode returns the record of an object. The error is errNewer for a record of
// a newer version, and errUnreadable for anything else that is not a record.
func decode(object []byte) (Record, error) {
	r, err := decodeRecord(object)
	if err != nil && !errors.Is(err, errNewer) {
		err = fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return r, err
}

func decodeRecord(object []byte) (Record, error) {
	z, err := gzip.NewReader(bytes.NewReader(object))
	if err != nil {
		return Record{}, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxDecodedBytes+1))
	switch {
	case err != nil:
		return Record{}, err
	case len(text) > maxDecodedBytes:
		return Record{}, errTooMany
	}
	e, err := openEnvelope(text)
	if err != nil {
		return Record{}, err
	}
	switch sum := sha256.Sum256(e.record); {
	case e.version > version:
		return Record{}, errNewer
	case e.version < 1:
		return Record{}, errors.New("no version")
	case e.checksum != hex.EncodeToString(sum[:]):
		return Record{}, errors.New("wrong checksum")
	}
	var r Record
	r.Snapshot.Matrices = make([]Matrix, 0, bytes.Count(e.record, []byte(`{"id":`))) // which growing would copy
	if err := json.Unmarshal(e.record, &r); err != nil {
		return Record{}, errors.New("invalid record")
	}
	if r.Sequence < 1 || !slices.IsSortedFunc(r.Snapshot.Matrices, compareMatrices) {
		return Record{}, errors.New("inconsistent record")
	}
	return r, nil
}

// The names of records.
const (
	recordPrefix = "runs/"
	recordSuffix = ".json.gz"
	maxSequence  = 999_999_999_999
)

func recordName(sequence int64) string {
	return fmt.Sprintf("%s%012d%s", recordPrefix, sequence, recordSuffix)
}

// recordSequence returns the sequence of a record's name. Names of another form
// are not records.
func recordSequence(name string) (int64, bool) {
	digits, ok := strings.CutSuffix(strings.TrimPrefix(name, recordPrefix), recordSuffix)
	if !ok || len(digits) != 12 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || recordName(n) != name {
		return 0, false
	}
	return n, true
}
