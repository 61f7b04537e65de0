package cloudphone

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

var zone = time.FixedZone("UTC+8", 8*60*60)

// readPage decodes a response for matrices as a call does.
func readPage(d *decoder, status int, body io.Reader) (Page, *Error) {
	if err := d.read(status, body); err != nil {
		return Page{}, err
	}
	return result(d, status, (*decoder).page)
}

func examplePage(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/page.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheExampleOfTheVendorsPage(t *testing.T) {
	p, err := readPage(newDecoder(zone), 200, bytes.NewReader(examplePage(t)))
	if err != nil {
		t.Fatal(err)
	}
	if p.TotalCount != 31 || !strings.HasPrefix(p.NextToken, "AAAAAV3MpHK1") || len(p.Nodes) != 1 {
		t.Fatalf("got %+v, want one row of 31 and a token", p)
	}
	got := *p.Nodes[0]
	want := report.Matrix{
		NodeID: "cpn-ehs0yoedq8ntm****", Name: "node_name", Region: "cn-hangzhou", Status: "RUNNING",
		ExpiresAt:  report.Time{Time: time.Date(2025, 3, 9, 2, 0, 34, 0, zone)},
		CreatedAt:  report.Time{Time: time.Date(2024, 11, 13, 2, 3, 14, 0, zone)},
		ModifiedAt: report.Time{Time: time.Date(2025, 2, 13, 2, 3, 14, 0, zone)},
		PhoneCount: 25, ServerType: "cpm.gx7.10xlarge", InstanceType: "ac.max", BandwidthStatus: "1", Tags: map[string]string{"keyname": "valuename"},
	}
	if !maps.Equal(got.Tags, want.Tags) || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFieldsAreReadLeniently(t *testing.T) {
	for _, tt := range []struct{ json, text, number string }{
		{`"a"`, "a", "-7"}, {`""`, "", "-7"}, {`"12"`, "12", "12"}, {`12`, "12", "12"}, {`-1.9`, "-1.9", "-1"}, {`1e2`, "1e2", "100"},
		{`true`, "true", "-7"}, {`null`, "", "-7"}, {`{"a":1}`, "", "-7"}, {`[1]`, "", "-7"}, {`"NaN"`, "NaN", "-7"}, {`"Inf"`, "Inf", "-7"},
		{`1e300`, "1e300", "-7"}, {`"\ud800"`, "\ufffd", "-7"}, {"\"a\xff\"", "a\ufffd", "-7"},
	} {
		p, err := readPage(newDecoder(zone), 200, strings.NewReader(fmt.Sprintf(`{"NextToken":%[1]s,"TotalCount":%[1]s,"NodeModel":[{"PhoneCount":%[1]s,"NodeName":%[1]s}]}`, tt.json)))
		if err != nil {
			t.Errorf("%s: %v", tt.json, err)
			continue
		}
		wantCount := tt.number
		if wantCount == "-7" {
			wantCount = "-1" // what an absent count reads as
		}
		if n := p.Nodes[0]; n.Name != tt.text || p.NextToken != tt.text || fmt.Sprint(p.TotalCount) != wantCount {
			t.Errorf("%s: got the name %q, the token %q and the count %d, want %q and %s", tt.json, n.Name, p.NextToken, p.TotalCount, tt.text, wantCount)
		}
	}
}

func TestAPageThatIsNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body      string
		temporary bool
		says      string
	}{
		{``, true, "the response is not the service's JSON"},
		{`[]`, true, "the response is not the service's JSON"},
		{`{"NodeModel":[1]}`, true, "the response is not the service's JSON"},
		{`{"RequestId":"R"}`, true, "the response has neither rows nor a count"},
		{`{"Code":"Throttling","Message":"m","RequestId":"R"}`, true, "Throttling: m (request R)"},
		{`{"Code":"Forbidden"}`, false, "Forbidden"},
		{`{"TotalCount":1,"NodeModel":[` + strings.Repeat(`{"NodeId":"a"},`, 2000), true, "the response is not the service's JSON"},
		{`{"TotalCount":1}{}`, true, "the response is not the service's JSON"},
		{`{"TotalCount":1} x`, true, "the response is not the service's JSON"},
		{strings.Repeat(" ", maxResponseBytes+1), false, "ResponseTooLarge: the response is larger than 4 MiB"},
		{`{"TotalCount":1,"NodeModel":[{}` + strings.Repeat(`,{}`, maxPageRows) + "]}", false, "ResponseTooLarge: the response has more than 10000 rows"},
		{`{"TotalCount":1,"NodeModel":[{}` + strings.Repeat(`,{"NodeName":"`+strings.Repeat("x", 1<<15)+`"}`, 128) + "]}", false, "ResponseTooLarge: the response is larger than 4 MiB"},
	} {
		err := decode(200, tt.body)
		if err == nil || !strings.HasPrefix(strings.TrimPrefix(err.Error(), "ConnectionFailed: "), tt.says) {
			t.Errorf("%.40q: got the error %v, want %q", tt.body, err, tt.says)
			continue
		}
		if temporary := err.Temporary(); temporary != tt.temporary {
			t.Errorf("%.40q: temporary is %v, want %v", tt.body, temporary, tt.temporary)
		}
	}
}

func FuzzDecodePage(f *testing.F) {
	f.Add(examplePage(f))
	for _, seed := range []string{
		`{}`, `{"TotalCount":"3","NodeModel":[{"NodeId":null,"Tags":{"Key":"a"}}]}`, `{"RegionModels":[{"RegionId":1}]}`, `{"Code":"Throttling"}`,
		`{"NodeModel":[null,{}]}`, `[[[[`, `{"NodeModel":[{"PhoneCount":1e400,"GmtExpired":{},"BizTags":[null,{"Key":[]}]}]}`, "\x1f\x8b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPage(newDecoder(zone), 200, bytes.NewReader(body))
		if err != nil {
			if got := Explain(err); got.Code == "" || got.Message == "" || len(got.Code)+len(got.Message) > 4000 {
				t.Errorf("got the code %q and the message %q, want short ones", got.Code, got.Message)
			}
			return
		}
		memory := p.Bytes
		for _, m := range p.Nodes {
			if m.PhoneCount < 0 || m.Tags == nil || len(m.Tags) > maxTags || len(m.NodeID) > maxIDBytes {
				t.Errorf("got %+v, want no negative count, tags and a short id", m)
			}
			for _, text := range []string{m.Name, m.Region, m.Status, m.ServerType, m.InstanceType, m.BandwidthStatus} {
				if len(text) > maxTextBytes {
					t.Errorf("got a text of %d bytes, want at most %d", len(text), maxTextBytes)
				}
			}
			memory -= len(m.NodeID) + len(m.Name) + len(m.ExpiresRaw)
		}
		if memory < 0 || len(p.NextToken) > maxTokenBytes {
			t.Errorf("%d bytes are counted, %d less than the texts have; the token has %d", p.Bytes, -memory, len(p.NextToken))
		}
	})
}

func BenchmarkDecodePage(b *testing.B) {
	row := examplePage(b)
	row = row[bytes.IndexByte(row, '[')+1 : bytes.LastIndexByte(row, ']')]
	body := []byte(`{"NodeModel":[` + strings.Repeat(string(row)+",", 99) + string(row) + `],"TotalCount":131,"NextToken":"AAAAAV3MpHK1AP0pfERHZN5pu6kU"}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	d := newDecoder(zone)
	for b.Loop() {
		p, err := readPage(d, 200, bytes.NewReader(body))
		if err != nil || len(p.Nodes) != 100 {
			b.Fatal(err)
		}
	}
}
