package emulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// PagingFaultCases returns lists that never end, so that a client must stop by
// itself: with new, repeated or no rows, with or without a total, and with long
// tokens, names, tags or ids. Each single response is valid or too large. To add one, add a
// row here; the tests of internal/inventory then require a row with the expected
// result.
func PagingFaultCases() []FaultCase {
	long := func(n int) string { return strings.Repeat("x", n) }
	return []FaultCase{
		{"tokens of 200 kB", pages{token: long(200_000)}.respond},
		{"tokens of 8 kB, without end", pages{token: long(8_000), newRows: true}.respond},
		{"new rows without end", pages{rows: 100, newRows: true}.respond},
		{"new rows without end and without a total", pages{rows: 100, newRows: true, noTotal: true}.respond},
		{"the same rows without end", pages{rows: 3}.respond},
		{"empty pages without end", pages{}.respond},
		{"names of 4 kB, without end", pages{rows: 10, newRows: true, noTotal: true, row: `"NodeName":"` + long(4_000) + `"`}.respond},
		{"60 tags on each row, without end", pages{rows: 10, newRows: true, noTotal: true, row: `"Tags":[` + strings.TrimSuffix(strings.Repeat(`{"Key":"`+long(10)+`%d","Value":"`+long(30)+`"},`, 60), ",") + `]`}.respond},
		{"ids of 300 bytes, without end", pages{rows: 100, newRows: true, noTotal: true, id: long(300)}.respond},
		{"rows without an id, without end", pages{rows: 100, noTotal: true, id: "-"}.respond},
	}
}

// pages are a list of matrices that never ends.
type pages struct {
	rows    int    // on a page; 0 with newRows for 1
	newRows bool   // the rows of each page differ from those before
	noTotal bool   // there is no TotalCount, which is else 9
	token   string // what each NextToken ends with
	id      string // what each NodeId ends with; "-" for rows without one
	row     string // further fields of a row; %d is numbered
}

func (p pages) respond(w http.ResponseWriter, r *http.Request) {
	number, _, _ := strings.Cut(r.URL.Query().Get("NextToken"), "-")
	page, _ := strconv.Atoi(number)
	n := p.rows
	if n == 0 && p.newRows {
		n = 1
	}
	rows := make([]string, n)
	for i := range rows {
		serial := i
		if p.newRows {
			serial += page * n
		}
		fields := []string{`"RegionId":"cn-hangzhou"`, `"Status":"RUNNING"`}
		if p.id != "-" {
			fields = append(fields, fmt.Sprintf(`"NodeId":"cpn-%d%s"`, serial, p.id))
		}
		if p.row != "" {
			fields = append(fields, p.numbered(serial))
		}
		rows[i] = "{" + strings.Join(fields, ",") + "}"
	}
	total := `"TotalCount":9,`
	if p.noTotal {
		total = ""
	}
	fmt.Fprintf(w, `{%s"NextToken":"%d-%s","NodeModel":[%s]}`, total, page+1, p.token, strings.Join(rows, ","))
}

// numbered returns the further fields of a row, with each %d replaced by a number
// that no other row has.
func (p pages) numbered(serial int) string {
	var b strings.Builder
	for i, part := range strings.Split(p.row, "%d") {
		if i > 0 {
			fmt.Fprint(&b, serial*1000+i)
		}
		b.WriteString(part)
	}
	return b.String()
}
