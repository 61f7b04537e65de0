package cloud

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What DescribeCloudPhoneNodes documents for MaxResults.
const (
	maxPageRows     = 100
	defaultPageRows = 20
)

func (c *Server) describeNodes(in *call) (any, *apiError) {
	if bad := in.checkNames("BizRegionId", "MaxResults", "NextToken", "NodeIds.N", "NodeName", "NodeNameList.N", "Status", "ServerType",
		"ChargeType", "BandwidthPackageId", "Tags.N.Key", "Tags.N.Value", "SortKey", "SortType"); bad != nil {
		return nil, bad
	}
	size := defaultPageRows
	if s := in.params.Get("MaxResults"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPageRows {
			return nil, refuse(http.StatusBadRequest, "InvalidParameter.MaxResults", "MaxResults is a number from 1 to %d, got %q.", maxPageRows, s)
		}
		size = n
	}
	if c.PageSize > 0 {
		size = min(size, c.PageSize)
	}
	at := cursor{page: 1, filters: filtersOf(in)}
	if t := in.params.Get("NextToken"); t != "" {
		got, ok := openToken(t)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "InvalidParameter.NextToken", "The NextToken %q is not one of this service's.", t)
		}
		if got.filters != at.filters {
			return nil, refuse(http.StatusBadRequest, "InvalidNextToken", "The NextToken belongs to a query with other filters.")
		}
		at = got
	}
	rows := c.rows(in)
	first := min(at.offset, len(rows))
	last := min(first+size, len(rows))
	answer := struct {
		RequestId  string
		NodeModel  []Node
		TotalCount int
		NextToken  string `json:",omitempty"`
		MaxResults int
	}{RequestId: in.id, NodeModel: append([]Node{}, rows[first:last]...), TotalCount: len(rows), MaxResults: size}
	if last < len(rows) {
		answer.NextToken = cursor{offset: last, page: at.page + 1, filters: at.filters}.token()
	}
	return answer, nil
}

// filtersOf is what a page token is bound to: a hash of everything that
// decides which rows there are, and in which order.
func filtersOf(in *call) string {
	bound := url.Values{}
	for name, values := range in.params {
		if name == "MaxResults" || name == "NextToken" || in.old && slices.Contains(oldParams, name) {
			continue
		}
		if values[0] != "" {
			bound[name] = values
		}
	}
	sum := sha256.Sum256([]byte(bound.Encode()))
	return string(sum[:tokenHashBytes])
}

// rows are all rows of the query's filters. An empty value filters nothing.
// SortKey and SortType are taken but have no effect: their values are
// documented nowhere.
func (c *Server) rows(in *call) []Node {
	region := in.params.Get("BizRegionId")
	if region == "" {
		region = c.OneRegion
	}
	same := func(name, value string) bool {
		want := in.params.Get(name)
		return want == "" || want == value
	}
	ids, names := in.list("NodeIds"), in.list("NodeNameList")
	var rows []Node
	for _, n := range c.Nodes {
		if (region == "" || region == n.RegionId) &&
			(ids == nil || slices.Contains(ids, n.NodeId)) &&
			(names == nil || slices.Contains(names, n.NodeName)) &&
			strings.Contains(n.NodeName, in.params.Get("NodeName")) &&
			same("Status", n.Status) && same("ServerType", n.ServerType) && same("ChargeType", n.ChargeType) &&
			same("BandwidthPackageId", n.BandwidthPackageId) &&
			hasTags(in, n) {
			rows = append(rows, n)
		}
	}
	return rows
}

// hasTags tells whether n has every tag that is asked for. A key without a
// value matches any value.
func hasTags(in *call, n Node) bool {
	has := func(key, value string) bool {
		match := func(t Tag) bool { return t.Key == key && (value == "" || t.Value == value) }
		return slices.ContainsFunc(n.Tags, match) || slices.ContainsFunc(n.BizTags, match)
	}
	for i := 1; i <= maxListed; i++ {
		at := "Tags." + strconv.Itoa(i)
		if key := in.params.Get(at + ".Key"); key != "" && !has(key, in.params.Get(at+".Value")) {
			return false
		}
	}
	return true
}
