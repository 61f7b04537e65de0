package cloudphone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"matrix-expiry-report/report"
)

// What one answer may cost: a page of 100 matrices has about 90 kB.
const (
	maxPageBytes = 4 << 20
	largeBytes   = 1 << 20 // an answer beyond that waits until no other large one is read
	maxPageRows  = 10_000
	maxSpareRows = 1000 // for which memory is kept
)

// A page is one answer of DescribeCloudPhoneNodes or DescribeRegions, only the
// fields that are used.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
type page struct {
	RequestID, Code, Message string
	TotalCount               int // negative where absent
	NextToken                string
	Nodes                    []report.Matrix
	Regions                  []string
	rows                     bool // there is a list, perhaps of nothing
}

// A decoder reads one answer after another with the same memory: a page is
// good until the next. Matrices with the same tags share them, so nobody may
// change those.
type decoder struct {
	zone  *time.Location
	large *sync.Mutex        // held while a large answer is read, so that several do not add up
	token func(token string) // told of the next page's token as soon as it is read; nil for nobody

	body  []byte
	page  page
	spare []byte
	tags  map[string]map[string]string
}

func newDecoder(zone *time.Location, large *sync.Mutex) *decoder {
	return &decoder{zone: zone, large: large, tags: map[string]map[string]string{}}
}

// decode reads one answer to its end. An answer that is cut short, is no JSON
// or is no page is temporary: it is a proxy's or a broken server's.
func (d *decoder) decode(r io.Reader) (*page, error) {
	err := d.read(r)
	if len(d.body) > largeBytes {
		defer d.large.Unlock()
		defer func() { d.body = nil }() // as much is not needed again
	}
	if err == nil {
		d.page = page{TotalCount: -1, Nodes: d.page.Nodes[:0]}
		if cap(d.page.Nodes) > maxSpareRows {
			d.page.Nodes = nil
		}
		err = d.answer()
	}
	p := &d.page
	var excess tooLarge
	_, temporary := errors.AsType[*Temporary](err)
	switch {
	case errors.As(err, &excess):
		return nil, &Error{Code: "ResponseTooLarge", Message: excess.Error()}
	case temporary:
		return nil, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &Temporary{Err: errors.New("the answer is not the service's JSON: it ends too early")}
	case err != nil:
		return nil, &Temporary{Err: fmt.Errorf("the answer is not the service's JSON: %w", cause(err))}
	case p.rows || p.TotalCount >= 0:
		return p, nil
	case p.Code != "":
		return nil, &Error{Status: 200, Code: p.Code, Message: p.Message, RequestID: p.RequestID}
	}
	return nil, &Temporary{Err: errors.New("the answer has neither rows nor a count")}
}

// cause is the innermost error: jx wraps one for each level of the JSON.
func cause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

// read fills the body. It leaves large locked where it is a large one.
func (d *decoder) read(r io.Reader) error {
	d.body = d.body[:0]
	for locked := false; ; {
		if len(d.body) > maxPageBytes {
			return tooLarge(fmt.Sprintf("the answer is larger than %d MiB", maxPageBytes>>20))
		}
		if len(d.body) == cap(d.body) {
			d.body = slices.Grow(d.body, 32<<10)
		}
		end := cap(d.body)
		if !locked {
			end = min(end, largeBytes+1)
		}
		n, err := r.Read(d.body[len(d.body):end])
		d.body = d.body[:len(d.body)+n]
		if !locked && len(d.body) > largeBytes {
			d.large.Lock()
			locked = true
		}
		switch {
		case err == io.EOF:
			return nil
		case stalled(err):
			return errStalled()
		case err != nil:
			return &Temporary{Err: fmt.Errorf("reading the answer: %w", err)}
		}
	}
}

// answer decodes the body, value by value: no more is made of it than what is
// used.
func (d *decoder) answer() error {
	in := jx.DecodeBytes(d.body)
	if in.Next() == jx.Null {
		return in.Null()
	}
	p := &d.page
	err := in.ObjBytes(func(in *jx.Decoder, name []byte) (err error) {
		switch string(name) {
		case "RequestId":
			p.RequestID, err = text(in)
		case "Code":
			p.Code, err = text(in)
		case "Message":
			p.Message, err = text(in)
		case "TotalCount":
			p.TotalCount, err = number(in, -1)
		case "NextToken":
			p.NextToken, err = text(in)
			if err == nil && p.NextToken != "" && d.token != nil {
				d.token(p.NextToken)
			}
		case "NodeModel":
			p.Nodes = p.Nodes[:0]
			p.rows, err = list(in, d.matrix)
		case "RegionModels":
			p.Regions = nil
			p.rows, err = list(in, d.region)
		default:
			err = in.Skip()
		}
		return err
	})
	if err == nil && in.Skip() != io.EOF {
		err = errors.New("something follows it")
	}
	return err
}

// list takes a list row by row, and tells whether there is one; null is none.
func list(in *jx.Decoder, row func(*jx.Decoder) error) (there bool, err error) {
	switch kind := in.Next(); kind {
	case jx.Null:
		return false, in.Null()
	case jx.Array:
	default:
		return false, fmt.Errorf("its rows are no list but %s", kind)
	}
	n := 0
	return true, in.Arr(func(in *jx.Decoder) error {
		if n++; n > maxPageRows {
			return tooLarge(fmt.Sprintf("the answer has more than %d rows", maxPageRows))
		}
		return row(in)
	})
}

// object takes an object field by field; null has none.
func object(in *jx.Decoder, field func(in *jx.Decoder, name []byte) error) error {
	if in.Next() == jx.Null {
		return in.Null()
	}
	return in.ObjBytes(field)
}

func (d *decoder) region(in *jx.Decoder) error {
	id := ""
	err := object(in, func(in *jx.Decoder, name []byte) (err error) {
		if string(name) == "RegionId" {
			id, err = text(in)
			return err
		}
		return in.Skip()
	})
	d.page.Regions = append(d.page.Regions, id)
	return err
}

func (d *decoder) matrix(in *jx.Decoder) error {
	var m report.Matrix
	var texts [6]jx.Raw
	var bizTags, tags jx.Raw
	err := object(in, func(in *jx.Decoder, name []byte) (err error) {
		switch string(name) {
		case "NodeId":
			texts[0], err = value(in)
		case "NodeName":
			texts[1], err = value(in)
		case "RegionId":
			texts[2], err = value(in)
		case "Status":
			texts[3], err = value(in)
		case "ServerType":
			texts[4], err = value(in)
		case "InstanceType":
			texts[5], err = value(in)
		case "GmtCreate":
			m.CreatedAt, err = d.time(in)
		case "GmtModified":
			m.ModifiedAt, err = d.time(in)
		case "GmtExpired":
			m.ExpiresAt, err = d.time(in)
		case "PhoneCount":
			m.PhoneCount, err = number(in, 0)
			m.PhoneCount = max(0, m.PhoneCount)
		case "BizTags":
			bizTags, err = value(in)
		case "Tags":
			tags, err = value(in)
		default:
			err = in.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	// All texts of a row are one piece of memory.
	d.spare = d.spare[:0]
	var ends [len(texts)]int
	for i, raw := range texts {
		d.spare = appendText(d.spare, raw)
		ends[i] = len(d.spare)
	}
	all, start := string(d.spare), 0
	for i, to := range [len(texts)]*string{&m.NodeID, &m.Name, &m.Region, &m.Status, &m.ServerType, &m.InstanceType} {
		*to, start = all[start:ends[i]], ends[i]
	}
	if m.Tags, err = d.tagsOf(bizTags, tags); err != nil {
		return err
	}
	d.page.Nodes = append(d.page.Nodes, m)
	return nil
}

// What is remembered of tags that many rows share.
const maxShared, maxSharedBytes = 1000, 1000

var noTags = map[string]string{}

// tagsOf joins two lists of tags; the later one is the newer field of the API.
func (d *decoder) tagsOf(older, newer jx.Raw) (map[string]string, error) {
	if len(older) <= len("[]") && len(newer) <= len("[]") {
		return noTags, nil
	}
	both := append(append(append(d.spare[:0], older...), 0), newer...)
	d.spare = both
	if tags, ok := d.tags[string(both)]; ok {
		return tags, nil
	}
	tags := map[string]string{}
	for _, raw := range []jx.Raw{older, newer} {
		if len(raw) == 0 || raw[0] != '[' {
			continue
		}
		if err := jx.DecodeBytes(raw).Arr(func(in *jx.Decoder) error { return tag(in, tags) }); err != nil {
			return nil, err
		}
	}
	if len(both) <= maxSharedBytes {
		if len(d.tags) == maxShared {
			clear(d.tags)
		}
		d.tags[string(both)] = tags
	}
	return tags, nil
}

func tag(in *jx.Decoder, to map[string]string) error {
	if in.Next() != jx.Object {
		return in.Skip()
	}
	var key, value string
	err := in.ObjBytes(func(in *jx.Decoder, name []byte) (err error) {
		switch string(name) {
		case "Key":
			key, err = text(in)
		case "Value":
			value, err = text(in)
		default:
			err = in.Skip()
		}
		return err
	})
	to[key] = value
	return err
}

func (d *decoder) time(in *jx.Decoder) (report.Time, error) {
	raw, err := value(in)
	if len(raw) == len(`""`)+len(time.DateTime) {
		if t, ok := plainTime(raw[1:len(raw)-1], d.zone); ok {
			return t, err
		}
	}
	return parseTime(string(appendText(nil, raw)), d.zone), err
}

// The service's types drift (numbers in strings and back), and one odd field
// must not cost a page, so a field of the wrong kind reads as absent.

// value is the next one as it stands there, good until the body is read anew.
func value(in *jx.Decoder) (jx.Raw, error) {
	raw, err := in.Raw()
	if len(raw) > 0 && raw[0] <= ' ' { // which jx gives with it
		raw = bytes.TrimLeft(raw, " \n\t\r")
	}
	return raw, err
}

func text(in *jx.Decoder) (string, error) {
	raw, err := value(in)
	return string(appendText(nil, raw)), err
}

func appendText(to []byte, raw jx.Raw) []byte {
	if len(raw) == 0 {
		return to
	}
	switch raw[0] {
	case '{', '[', 'n':
		return to
	case '"':
		for _, c := range raw {
			if c == '\\' || c >= 0x80 {
				var s string
				_ = json.Unmarshal(raw, &s) // replaces what is no UTF-8
				return append(to, s...)
			}
		}
		raw = raw[1 : len(raw)-1]
	}
	return append(to, raw...)
}

// number is absent where there is none.
func number(in *jx.Decoder, absent int) (int, error) {
	raw, err := value(in)
	if n, err := strconv.Atoi(string(raw)); err == nil && n <= 1<<31 && n >= -1<<31 {
		return n, nil
	}
	f, noNumber := strconv.ParseFloat(string(appendText(nil, raw)), 64)
	if noNumber != nil || f != f || f > 1<<31 || f < -1<<31 {
		return absent, err
	}
	return int(f), err
}

// tooLarge says what is larger than any page has it.
type tooLarge string

func (e tooLarge) Error() string { return string(e) }
