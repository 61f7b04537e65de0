package cloudphone

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

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

type region struct {
	ID text `json:"RegionId"`
}

type node struct {
	NodeID       text `json:"NodeId"`
	NodeName     text
	RegionID     text `json:"RegionId"`
	Status       text
	ServerType   text
	InstanceType text
	GmtCreate    text
	GmtModified  text
	GmtExpired   text
	PhoneCount   number
	BizTags      tags
	Tags         tags
}

// decodePage reads one answer to its end. An answer that is cut short, is no
// JSON or is no page is temporary: it is a proxy's or a broken server's. large
// is held while a large one is decoded, so that several do not add up.
func decodePage(r io.Reader, large *sync.Mutex) (*page, error) {
	in := &meter{r: r, left: maxPageBytes + 1, value: maxValueBytes, large: large}
	defer in.close()
	p := &page{TotalCount: -1}
	err := p.decode(json.NewDecoder(in), in)
	var excess tooLarge
	switch {
	case errors.As(err, &excess):
		return nil, &Error{Code: "ResponseTooLarge", Message: excess.Error()}
	case stalled(in.err):
		return nil, &Temporary{errStalled, true}
	case in.err != nil && in.err != io.EOF:
		return nil, &Temporary{Err: fmt.Errorf("reading the answer: %w", in.err)}
	case err == io.EOF:
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
func (p *page) decode(dec *json.Decoder, in *meter) error {
	if t, err := dec.Token(); err != nil || t == nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("it is %v and no object", t)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		in.value = maxValueBytes
		switch name {
		case "RequestId":
			err = dec.Decode(&p.RequestID)
		case "Code":
			err = dec.Decode(&p.Code)
		case "Message":
			err = dec.Decode(&p.Message)
		case "TotalCount":
			err = dec.Decode(&p.TotalCount)
		case "NextToken":
			err = dec.Decode(&p.NextToken)
		case "NodeModel":
			p.Nodes, err = decodeList[node](dec, in)
		case "RegionModels":
			p.Regions, err = decodeList[region](dec, in)
		default:
			err = dec.Decode(new(json.RawMessage))
		}
		if err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return cmp.Or(in.err, err)
	}
	in.value = maxValueBytes
	if _, err := dec.Token(); err != io.EOF {
		return cmp.Or(err, errors.New("something follows it"))
	}
	return nil
}

// decodeList reads a list row by row; null is none.
func decodeList[T any](dec *json.Decoder, in *meter) ([]T, error) {
	if t, err := dec.Token(); err != nil || t == nil {
		return nil, err
	} else if t != json.Delim('[') {
		return nil, fmt.Errorf("its rows are %v and no list", t)
	}
	rows := []T{}
	for dec.More() {
		if len(rows) == maxPageRows {
			return nil, tooLarge(fmt.Sprintf("the answer has more than %d rows", maxPageRows))
		}
		in.value = maxValueBytes
		var row T
		if err := dec.Decode(&row); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	_, err := dec.Token()
	return rows, err
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

func (t *text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, (*string)(t))
	case '{', '[', 'n':
		*t = ""
	default:
		*t = text(b)
	}
	return nil
}

type number int

func (n *number) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(b, `"`)), 64)
	if err == nil && f == f && f <= 1<<31 && f >= -1<<31 {
		*n = number(f)
	}
	return nil
}

type tags []struct{ Key, Value text }

func (t *tags) UnmarshalJSON(b []byte) error {
	var list []struct{ Key, Value text }
	if json.Unmarshal(b, &list) == nil {
		*t = list
	}
	return nil
}
