package cloudphone

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"matrix-expiry-report/report"
)

// Bounds of one response: a page of 100 matrices has about 90 kB.
const (
	maxResponseBytes = 4 << 20
	maxPageRows      = 10_000
	maxSpareBytes    = 1 << 20 // of the buffer that is kept for the next response
	maxTokenBytes    = 8 << 10
)

// A Page is one response of DescribeCloudPhoneNodes.
type Page struct {
	Nodes      []*report.Matrix
	Unreadable int    // rows that are not in Nodes, because their id is too long
	TotalCount int    // -1 if absent
	NextToken  string // empty on the last page
	Expiry     string // GmtExpired of the first row that has one, as the API writes it
	Bytes      int    // memory for the texts and tags of Nodes that they do not share with earlier pages
}

// A decoder decodes responses, one after another. Equal texts and tags of
// different rows share memory, so that callers must not modify the tags.
type decoder struct {
	zone *time.Location
	body []byte // of the response
	row  []byte // the texts of one row
	nodeTexts
	allocated int // bytes for the texts and tags of this response
}

func newDecoder(zone *time.Location) *decoder {
	return &decoder{zone: zone, nodeTexts: nodeTexts{texts: map[string]string{}, tags: map[string]map[string]string{}}}
}

// page decodes a response of DescribeCloudPhoneNodes for about size rows.
func (d *decoder) page(r io.Reader, size int) (Page, error) {
	p := Page{TotalCount: -1}
	rows := false
	d.allocated = 0
	err := d.response(r, func(in *jx.Decoder, name string) (known bool, err error) {
		switch name {
		case "TotalCount":
			p.TotalCount, err = number(in, -1)
		case "NextToken":
			p.NextToken, err = token(in)
		case "NodeModel":
			p.Nodes, p.Unreadable = make([]*report.Matrix, 0, min(size, MaxPageSize)), 0
			rows, err = list(in, func(in *jx.Decoder) error { return d.node(in, &p) })
		default:
			return false, nil
		}
		return true, err
	}, func() bool { return rows || p.TotalCount >= 0 })
	p.Bytes = d.allocated
	return p, err
}

// regions decodes a response of DescribeRegions.
func (d *decoder) regions(r io.Reader) (ids []string, err error) {
	rows := false
	err = d.response(r, func(in *jx.Decoder, name string) (known bool, err error) {
		if name != "RegionModels" {
			return false, nil
		}
		ids = nil
		rows, err = list(in, func(in *jx.Decoder) error {
			return object(in, func(in *jx.Decoder, name []byte) error {
				if string(name) != "RegionId" {
					return in.Skip()
				}
				id, err := text(in)
				ids = append(ids, id)
				return err
			})
		})
		return true, err
	}, func() bool { return rows })
	return ids, err
}

// identity decodes a response of GetCallerIdentity.
func (d *decoder) identity(r io.Reader) (id CallerIdentity, err error) {
	err = d.response(r, func(in *jx.Decoder, name string) (known bool, err error) {
		switch name {
		case "AccountId":
			id.Account, err = text(in)
		case "Arn":
			id.ARN, err = text(in)
		case "IdentityType":
			id.Type, err = text(in)
		default:
			return false, nil
		}
		return true, err
	}, func() bool { return id.Account != "" })
	return id, err
}

// response decodes a response field by field. field reports whether it knows the
// name; complete reports, at the end, whether the response was what it should be.
// If not, it is an error of the service, or of a proxy or a broken server, which
// is temporary.
func (d *decoder) response(r io.Reader, field func(in *jx.Decoder, name string) (known bool, err error), complete func() bool) error {
	if err := d.read(r); err != nil {
		return err
	}
	e := &Error{Status: 200}
	err := d.object(func(in *jx.Decoder, name string) (err error) {
		if known, err := field(in, name); known || err != nil {
			return err
		}
		switch name {
		case "RequestId", "requestId":
			e.RequestID, err = text(in)
		case "Code", "code":
			e.Code, err = text(in)
		case "Message", "message":
			e.Message, err = text(in)
		default:
			err = in.Skip()
		}
		return err
	})
	if tooLarge, ok := errors.AsType[*Error](err); ok {
		return tooLarge
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Temporary{Err: errors.New("the response is not the service's JSON: unexpected end")}
	case err != nil:
		return &Temporary{Err: fmt.Errorf("the response is not the service's JSON: %w", innermost(err))}
	case complete():
		return nil
	case e.Code != "":
		return e
	}
	return &Temporary{Err: errors.New("the response has neither rows nor a count")}
}

// innermost returns the cause of err: jx wraps one error for each level of the
// JSON.
func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

// read reads the body.
func (d *decoder) read(r io.Reader) error {
	d.body = d.body[:0]
	if cap(d.body) > maxSpareBytes {
		d.body = nil
	}
	for {
		if len(d.body) > maxResponseBytes {
			return tooLarge("the response is larger than %d MiB", maxResponseBytes>>20)
		}
		if len(d.body) == cap(d.body) {
			d.body = slices.Grow(d.body, 32<<10)
		}
		n, err := r.Read(d.body[len(d.body):cap(d.body)])
		d.body = d.body[:len(d.body)+n]
		switch {
		case err == io.EOF:
			return nil
		case err != nil && isTimeout(err):
			return errTimeout()
		case err != nil:
			return &Temporary{Err: fmt.Errorf("reading the response: %w", err)}
		}
	}
}

// object decodes the body, which is one JSON object or null.
func (d *decoder) object(field func(in *jx.Decoder, name string) error) error {
	in := jx.DecodeBytes(d.body)
	err := object(in, func(in *jx.Decoder, name []byte) error { return field(in, string(name)) })
	if err == nil && in.Skip() != io.EOF {
		err = errors.New("unexpected data after the JSON object")
	}
	return err
}

// token decodes a NextToken.
func token(in *jx.Decoder) (string, error) {
	raw, err := value(in)
	if len(raw) > maxTokenBytes {
		return "", tooLarge("the NextToken has %d bytes, more than %d", len(raw), maxTokenBytes)
	}
	return string(appendText(nil, raw)), err
}

func tooLarge(format string, args ...any) error {
	return &Error{Status: 200, NotService: true, Code: "ResponseTooLarge", Message: fmt.Sprintf(format, args...)}
}
