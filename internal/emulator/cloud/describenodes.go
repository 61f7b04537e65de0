package cloud

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The documented maximum and default of MaxResults.
const (
	maxPageRows     = 100
	defaultPageRows = 20
)

// describeNodes lists the matrices that match the filters, one page at a time:
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
func (c *Server) describeNodes(in *call) (any, *apiError) {
	if apiErr := in.checkNames("BizRegionId", "MaxResults", "NextToken", "NodeIds.N", "NodeName", "NodeNameList.N", "Status", "ServerType",
		"ChargeType", "BandwidthPackageId", "Tags.N.Key", "Tags.N.Value", "SortKey", "SortType"); apiErr != nil {
		return nil, apiErr
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
	at := cursor{page: 1, filters: filterHash(in)}
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
	page := struct {
		RequestId  string
		NodeModel  []Node
		TotalCount int
		NextToken  string `json:",omitempty"`
		MaxResults int
	}{RequestId: in.id, NodeModel: append([]Node{}, rows[first:last]...), TotalCount: len(rows), MaxResults: size}
	if last < len(rows) {
		page.NextToken = cursor{offset: last, page: at.page + 1, filters: at.filters}.token()
	}
	return page, nil
}

// filterHash returns a hash of the parameters that decide which rows a query
// has and in which order. A page token is valid for one such hash only.
func filterHash(in *call) string {
	filters := url.Values{}
	for name, values := range in.params {
		if name == "MaxResults" || name == "NextToken" || slices.Contains(publicParams, name) {
			continue
		}
		if values[0] != "" {
			filters[name] = values
		}
	}
	sum := sha256.Sum256([]byte(filters.Encode()))
	return string(sum[:tokenHashBytes])
}

// rows returns all matrices that match the query's filters. An empty filter
// matches everything. SortKey and SortType are accepted but have no effect, as
// their values are not documented.
func (c *Server) rows(in *call) []Node {
	region := in.params.Get("BizRegionId")
	if region == "" {
		region = c.OneRegion
	}
	matches := func(name, value string) bool {
		want := in.params.Get(name)
		return want == "" || want == value
	}
	ids, names := in.list("NodeIds"), in.list("NodeNameList")
	c.mu.Lock()
	nodes := c.Nodes
	c.mu.Unlock()
	var rows []Node
	for _, n := range nodes {
		if (region == "" || region == n.RegionId) &&
			(ids == nil || slices.Contains(ids, n.NodeId)) &&
			(names == nil || slices.Contains(names, n.NodeName)) &&
			strings.Contains(n.NodeName, in.params.Get("NodeName")) &&
			matches("Status", n.Status) && matches("ServerType", n.ServerType) && matches("ChargeType", n.ChargeType) &&
			matches("BandwidthPackageId", n.BandwidthPackageId) &&
			hasTags(in, n) {
			rows = append(rows, n)
		}
	}
	return rows
}

// hasTags reports whether n has every tag of the query. A key without a value
// matches any value.
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
