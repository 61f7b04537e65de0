package cloudphone

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"matrix-expiry-report/report"
)

// What one answer may cost: a page of 100 matrices has about 90 kB, the
// largest of its values is a row of 1 kB.
const (
	maxPageBytes  = 16 << 20
	largeBytes    = 1 << 20 // an answer beyond that waits until no other large one is decoded
	maxValueBytes = 1 << 20
	maxPageRows   = 10_000
)

// page is one answer of DescribeCloudPhoneNodes or DescribeRegions, only the
// fields that are used.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
type page struct {
	RequestID  text
	Code       text
	Message    text
	TotalCount number // negative where absent
	NextToken  text
	Nodes      []node   // nil where absent
	Regions    []region // nil where absent
}

type region struct{ ID text }

type node struct {
	NodeID, NodeName, RegionID, Status text
	ServerType, InstanceType           text
	GmtCreate, GmtModified, GmtExpired text
	PhoneCount                         number
	BizTags, Tags                      tags
}

// decodePage reads one answer to its end. An answer that is cut short, is no
// JSON or is no page is temporary: it is a proxy's or a broken server's. large
// is held while a large one is decoded, so that several do not add up.
func decodePage(r io.Reader, large *sync.Mutex) (*page, error) {
	in := &meter{r: r, left: maxPageBytes + 1, value: maxValueBytes, large: large}
	defer in.close()
	p := &page{TotalCount: -1}
	// What a stricter reader would refuse costs nobody anything here.
	err := p.decode(jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), in)
	var excess tooLarge
	switch {
	case errors.As(err, &excess):
		return nil, &Error{Code: "ResponseTooLarge", Message: excess.Error()}
	case stalled(in.err):
		return nil, &Temporary{errStalled, true}
	case in.err != nil && in.err != io.EOF:
		return nil, &Temporary{Err: fmt.Errorf("reading the answer: %w", in.err)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &Temporary{Err: errors.New("the answer is not the service's JSON: it ends too early")}
	case err != nil:
		return nil, &Temporary{Err: fmt.Errorf("the answer is not the service's JSON: %w", err)}
	}
	if p.Nodes == nil && p.TotalCount < 0 && p.Regions == nil {
		if p.Code != "" {
			return nil, &Error{Status: 200, Code: string(p.Code), Message: string(p.Message), RequestID: string(p.RequestID)}
		}
		return nil, &Temporary{Err: errors.New("the answer has neither rows nor a count")}
	}
	return p, nil
}

// decode goes value by value, so that no answer, however large, is ever in
// memory as a whole.
func (p *page) decode(dec *jsontext.Decoder, in *meter) error {
	if dec.PeekKind() == 'n' {
		return dec.SkipValue()
	}
	err := object(dec, func(name []byte) (err error) {
		in.value = maxValueBytes
		switch string(name) {
		case `"RequestId"`:
			return p.RequestID.read(dec)
		case `"Code"`:
			return p.Code.read(dec)
		case `"Message"`:
			return p.Message.read(dec)
		case `"TotalCount"`:
			return p.TotalCount.read(dec)
		case `"NextToken"`:
			return p.NextToken.read(dec)
		case `"NodeModel"`:
			p.Nodes, err = list(dec, in, (*node).read)
			return err
		case `"RegionModels"`:
			p.Regions, err = list(dec, in, (*region).read)
			return err
		}
		return dec.SkipValue()
	})
	if err != nil {
		return err
	}
	in.value = maxValueBytes
	if _, err := dec.ReadToken(); err != io.EOF {
		return cmp.Or(err, errors.New("something follows it"))
	}
	return nil
}

// object reads the fields of an object: each takes the value of the one that it
// is given by name, which is as it stands in the text, with its quotes.
func object(dec *jsontext.Decoder, each func(name []byte) error) error {
	if t, err := dec.ReadToken(); err != nil {
		return err
	} else if t.Kind() != '{' {
		return fmt.Errorf("%s is no object", t)
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// list reads a list row by row; null is none.
func list[T any](dec *jsontext.Decoder, in *meter, read func(*T, *jsontext.Decoder) error) ([]T, error) {
	switch t, err := dec.ReadToken(); {
	case err != nil:
		return nil, err
	case t.Kind() == 'n':
		return nil, nil
	case t.Kind() != '[':
		return nil, fmt.Errorf("its rows are %s and no list", t)
	}
	rows := make([]T, 0, 100)
	for dec.PeekKind() != ']' {
		if len(rows) == maxPageRows {
			return nil, tooLarge(fmt.Sprintf("the answer has more than %d rows", maxPageRows))
		}
		in.value = maxValueBytes
		var row T
		if err := read(&row, dec); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	_, err := dec.ReadToken()
	return rows, err
}

func (r *region) read(dec *jsontext.Decoder) error {
	return object(dec, func(name []byte) error {
		if string(name) == `"RegionId"` {
			return r.ID.read(dec)
		}
		return dec.SkipValue()
	})
}

func (n *node) read(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' { // a row that has nothing
		return dec.SkipValue()
	}
	return object(dec, func(name []byte) error {
		switch string(name) {
		case `"NodeId"`:
			return n.NodeID.read(dec)
		case `"NodeName"`:
			return n.NodeName.read(dec)
		case `"RegionId"`:
			return n.RegionID.read(dec)
		case `"Status"`:
			return n.Status.read(dec)
		case `"ServerType"`:
			return n.ServerType.read(dec)
		case `"InstanceType"`:
			return n.InstanceType.read(dec)
		case `"GmtCreate"`:
			return n.GmtCreate.read(dec)
		case `"GmtModified"`:
			return n.GmtModified.read(dec)
		case `"GmtExpired"`:
			return n.GmtExpired.read(dec)
		case `"PhoneCount"`:
			return n.PhoneCount.read(dec)
		case `"BizTags"`:
			return n.BizTags.read(dec)
		case `"Tags"`:
			return n.Tags.read(dec)
		}
		return dec.SkipValue()
	})
}

// tooLarge says what is larger than any page has it.
type tooLarge string

func (e tooLarge) Error() string { return string(e) }

// A meter reads no more than an answer, and a value in it, may have.
type meter struct {
	r           io.Reader
	left, value int
	err         error // of r
	large       *sync.Mutex
	held        bool
}

func (m *meter) Read(b []byte) (int, error) {
	switch {
	case m.left <= 0:
		return 0, tooLarge(fmt.Sprintf("the answer is larger than %d MiB", maxPageBytes>>20))
	case m.value <= 0:
		return 0, tooLarge(fmt.Sprintf("a value in the answer is larger than %d MiB", maxValueBytes>>20))
	}
	if !m.held && m.left <= maxPageBytes-largeBytes {
		m.large.Lock()
		m.held = true
	}
	n, err := m.r.Read(b[:min(len(b), m.left, m.value)])
	m.left, m.value, m.err = m.left-n, m.value-n, err
	return n, err
}

func (m *meter) close() {
	if m.held {
		m.large.Unlock()
	}
}

func (n node) matrix(zone *time.Location) report.Matrix {
	m := report.Matrix{
		NodeID: string(n.NodeID), Name: string(n.NodeName), Region: string(n.RegionID), Status: string(n.Status),
		ExpiresAt: parseTime(string(n.GmtExpired), zone), CreatedAt: parseTime(string(n.GmtCreate), zone), ModifiedAt: parseTime(string(n.GmtModified), zone),
		PhoneCount: max(0, int(n.PhoneCount)), ServerType: string(n.ServerType), InstanceType: string(n.InstanceType),
		Tags: map[string]string{},
	}
	for _, t := range append(n.BizTags, n.Tags...) { // the later list is the newer field of the API
		m.Tags[string(t.Key)] = string(t.Value)
	}
	return m
}

// The service's types drift (numbers in strings and back), and one odd field
// must not cost a page, so a field of the wrong kind reads as absent.

type text string

func (t *text) read(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{', '[', 'n':
		*t = ""
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	*t = text(token.String())
	return err
}

type number int

func (n *number) read(dec *jsontext.Decoder) error {
	var t text
	if err := t.read(dec); err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(t), 64)
	if err == nil && f == f && f <= 1<<31 && f >= -1<<31 {
		*n = number(f)
	}
	return nil
}

type tag struct{ Key, Value text }

type tags []tag

func (ts *tags) read(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if dec.PeekKind() != '{' {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		var t tag
		err := object(dec, func(name []byte) error {
			switch string(name) {
			case `"Key"`:
				return t.Key.read(dec)
			case `"Value"`:
				return t.Value.read(dec)
			}
			return dec.SkipValue()
		})
		if err != nil {
			return err
		}
		*ts = append(*ts, t)
	}
	_, err := dec.ReadToken()
	return err
}
