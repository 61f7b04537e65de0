package cloudphone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"matrix-expiry-report/report"
)

// maxPageBytes bounds what one answer may cost: a page of 100 matrices has
// about 90 kB.
const maxPageBytes = 16 << 20

// page is one answer of DescribeCloudPhoneNodes or DescribeRegions, only the
// fields that are used.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
type page struct {
	RequestID    text `json:"RequestId"`
	Code         text
	Message      text
	NodeModel    *[]node
	TotalCount   number // negative where absent
	NextToken    text
	RegionModels *[]struct {
		RegionID text `json:"RegionId"`
	}
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
// JSON or is no page is temporary: it is a proxy's or a broken server's.
func decodePage(r io.Reader) (*page, error) {
	limited := &io.LimitedReader{R: r, N: maxPageBytes + 1}
	body, err := io.ReadAll(limited)
	switch {
	case limited.N == 0:
		return nil, &Error{Code: "ResponseTooLarge", Message: fmt.Sprintf("the answer is larger than %d MiB", maxPageBytes>>20)}
	case err != nil:
		return nil, &Temporary{fmt.Errorf("reading the answer: %w", err)}
	}
	p := page{TotalCount: -1}
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, &Temporary{fmt.Errorf("the answer is not the service's JSON: %w", err)}
	}
	if p.NodeModel == nil && p.TotalCount < 0 && p.RegionModels == nil {
		if p.Code != "" {
			return nil, &Error{Status: 200, Code: string(p.Code), Message: string(p.Message), RequestID: string(p.RequestID)}
		}
		return nil, &Temporary{errors.New("the answer has neither rows nor a count")}
	}
	return &p, nil
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
