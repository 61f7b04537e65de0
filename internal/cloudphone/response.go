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
	maxHeldBytes     = 64 << 10 // of the JSON of shared texts and tags, between two responses
	maxTokenBytes    = 8 << 10
)

// A Page is one response of DescribeCloudPhoneNodes.
type Page struct {
	Nodes      []*report.Matrix
	Unreadable int    // rows that are not in Nodes, because their id is too long
	TotalCount int    // -1 if absent
	NextToken  string // empty on the last page
	Expiry     string // GmtExpired of the first row that has one, unparsed; doctor shows how it is read
	Bytes      int    // bytes of memory that the texts and tags of Nodes add to earlier pages, for the memory limit
}

// A decoder decodes responses, one after another. Equal texts and tags of
// different rows share memory, so that callers must not modify the tags.
type decoder struct {
	zone  *time.Location
	body  bytes.Buffer
	texts map[string]string               // by their JSON
	tags  map[[2]string]map[string]string // by their JSON
	held  int                             // bytes of that JSON
	bytes int                             // of the texts and tags of this response that are not shared with earlier ones
}

func newDecoder(zone *time.Location) *decoder {
	return &decoder{zone: zone, texts: map[string]string{}, tags: map[[2]string]map[string]string{}}
}

func (d *decoder) read(status int, body io.Reader) *Error {
	d.body.Reset()
	d.bytes = 0
	if d.held > maxHeldBytes {
		clear(d.texts)
		clear(d.tags)
		d.held = 0
	}
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

// result decodes a response with decode, which returns false if the response is
// not the expected one. It is then an error of the service, or of a proxy or a
// broken server, which is temporary.
func result[T any](d *decoder, status int, decode func(*decoder) (T, bool, error)) (T, *Error) {
	var none T
	if status == http.StatusOK {
		v, ok, err := decode(d)
		tooLarge, isTooLarge := errors.AsType[*Error](err)
		switch {
		case isTooLarge:
			return none, tooLarge
		case err != nil:
			return none, lost("the response is not the service's JSON")
		case ok:
			return v, nil
		}
	}
	var e struct {
		Code, Message, RequestID string
		AccessDeniedDetail       struct{ AuthAction string }
	}
	err := d.unmarshal(&e) // ignores the case of names, as the SDK does
	switch {
	case err == nil && e.Code != "":
		return none, &Error{Status: status, Code: oneLine(e.Code), Message: oneLine(e.Message), RequestID: oneLine(e.RequestID), AuthAction: oneLine(e.AccessDeniedDetail.AuthAction)}
	case status == http.StatusOK:
		return none, lost("the response has neither rows nor a count")
	}
	return none, &Error{Status: status, NotService: true, Code: "HTTP" + strconv.Itoa(status), Message: "the response is not the service's own: is there a proxy?"}
}

// page decodes a response of DescribeCloudPhoneNodes.
func (d *decoder) page() (Page, bool, error) {
	p := Page{TotalCount: -1}
	rows := false
	in := jx.DecodeBytes(d.body.Bytes())
	err := object(in, func(in *jx.Decoder, name []byte) (err error) {
		var v jx.Raw
		switch string(name) {
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
			err = in.Skip()
		}
		return err
	})
	if err == nil && in.Skip() != io.EOF {
		err = errors.New("unexpected data after the JSON object")
	}
	p.Bytes = d.bytes
	return p, rows || p.TotalCount >= 0, err
}

// regions decodes a response of DescribeRegions.
func (d *decoder) regions() (ids []string, ok bool, err error) {
	var body struct{ RegionModels []struct{ RegionId string } }
	err = d.unmarshal(&body)
	for _, m := range body.RegionModels {
		ids = append(ids, oneLine(m.RegionId))
	}
	return ids, body.RegionModels != nil, err
}

// identity decodes a response of GetCallerIdentity.
func (d *decoder) identity() (id CallerIdentity, ok bool, err error) {
	err = d.unmarshal(&id)
	return id, id.Account != "", err
}

// unmarshal decodes a response into v. A field of an unexpected type is absent.
func (d *decoder) unmarshal(v any) error {
	err := json.Unmarshal(d.body.Bytes(), v)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}
