package cloudphone

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-faster/jx"

	"matrix-expiry-report/report"
)

// Bounds of one response: a page of 100 matrices has about 90 kB.
const (
	maxResponseBytes = 4 << 20
	maxPageRows      = 10_000
	maxErrorBytes    = 64 << 10 // read of an error response, which may be a proxy's page
	maxTokenBytes    = 8 << 10
)

// A Page is one response of DescribeCloudPhoneNodes.
type Page struct {
	Nodes      []*report.Matrix
	Unreadable int    // rows that are not in Nodes, because their id is too long
	TotalCount int    // -1 if absent
	NextToken  string // empty on the last page
	Expiry     string // GmtExpired of the first row that has one, unparsed; doctor shows how it is read
	Bytes      int    // of memory of the texts and tags of Nodes, for the memory limit
}

// A decoder decodes responses, one after another. Equal texts and tags of
// different rows of a response share memory, so that callers must not modify the
// tags.
type decoder struct {
	zone   *time.Location
	status int // of the response
	body   bytes.Buffer
	texts  map[string]string               // by their JSON
	tags   map[[2]string]map[string]string // by their JSON
	bytes  int                             // of the texts and tags
}

func newDecoder(zone *time.Location) *decoder {
	return &decoder{zone: zone, texts: map[string]string{}, tags: map[[2]string]map[string]string{}}
}

// read reads a response.
func (d *decoder) read(status int, body io.Reader) *Error {
	d.body.Reset()
	clear(d.texts)
	clear(d.tags)
	d.status, d.bytes = status, 0
	limit := int64(maxResponseBytes + 1)
	if status != http.StatusOK {
		limit = maxErrorBytes
	}
	n, err := d.body.ReadFrom(io.LimitReader(body, limit))
	switch {
	case err != nil:
		return connectionError("reading the response: ", err)
	case n > maxResponseBytes:
		return tooLarge("the response is larger than %d MiB", maxResponseBytes>>20)
	}
	return nil
}

// page decodes a response of DescribeCloudPhoneNodes.
func (d *decoder) page() (Page, *Error) {
	p := Page{TotalCount: -1}
	rows := false
	err := d.response(func(name string, in *jx.Decoder) (known bool, err error) {
		var v jx.Raw
		switch name {
		case "NodeModel":
			p.Nodes, p.Unreadable = make([]*report.Matrix, 0, MaxPageSize), 0
			rows, err = list(in, func(in *jx.Decoder) error { return d.node(in, &p) })
		case "TotalCount":
			v, err = value(in)
			p.TotalCount = number(v, -1)
		case "NextToken":
			if v, err = value(in); len(v) > maxTokenBytes {
				err = tooLarge("the NextToken has %d bytes, more than %d", len(v), maxTokenBytes)
			}
			p.NextToken = text(v, maxTokenBytes)
		default:
			return false, nil
		}
		return true, err
	}, func() bool { return rows || p.TotalCount >= 0 })
	p.Bytes = d.bytes
	return p, err
}

// regions decodes a response of DescribeRegions.
func (d *decoder) regions() (ids []string, err *Error) {
	rows := false
	err = d.response(func(name string, in *jx.Decoder) (known bool, err error) {
		if name != "RegionModels" {
			return false, nil
		}
		v, err := value(in)
		var models []struct{ RegionId json.RawMessage }
		_ = json.Unmarshal(v, &models) // leaves out what has another type
		for _, m := range models {
			ids = append(ids, text(jx.Raw(m.RegionId), maxTextBytes))
		}
		rows = v.Type() == jx.Array
		return true, err
	}, func() bool { return rows })
	return ids, err
}

// identity decodes a response of GetCallerIdentity.
func (d *decoder) identity() (id CallerIdentity, err *Error) {
	fields := map[string]*string{"AccountId": &id.Account, "Arn": &id.ARN, "IdentityType": &id.Type}
	err = d.response(func(name string, in *jx.Decoder) (known bool, err error) {
		return setText(fields[name], in)
	}, func() bool { return id.Account != "" })
	return id, err
}

// response decodes a response field by field. field reports whether it knows the
// name; complete reports, at the end, whether the response was what it should be.
// If not, it is an error of the service, or of a proxy or a broken server, which
// is temporary.
func (d *decoder) response(field func(name string, in *jx.Decoder) (known bool, err error), complete func() bool) *Error {
	e := &Error{Status: d.status}
	in := jx.DecodeBytes(d.body.Bytes())
	err := object(in, func(in *jx.Decoder, name []byte) error {
		if d.status == http.StatusOK {
			if known, err := field(string(name), in); known || err != nil {
				return err
			}
		}
		return e.field(in, name)
	})
	if err == nil && in.Skip() != io.EOF {
		err = errors.New("unexpected data after the JSON object")
	}
	tooLarge, ok := errors.AsType[*Error](err)
	switch {
	case ok:
		return tooLarge
	case d.status != http.StatusOK && (err != nil || e.Code == ""):
		return &Error{Status: d.status, NotService: true, Code: "HTTP" + strconv.Itoa(d.status), Message: "the response is not the service's own: is there a proxy?"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return lost("the response is not the service's JSON: unexpected end")
	case err != nil:
		return lost("the response is not the service's JSON: %v", innermost(err))
	case d.status == http.StatusOK && complete():
		return nil
	case e.Code != "":
		return e
	}
	return lost("the response has neither rows nor a count")
}

// innermost returns the cause of err: jx wraps one error for each level of the
// JSON.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
