package cloud

import (
	"net/http"
	"slices"
)

// documentedRegions are the regions that the documentation of
// DescribeCloudPhoneNodes names.
var documentedRegions = []string{"cn-shanghai", "cn-hangzhou", "ap-southeast-1", "eu-central-1"}

var regionNames = map[string]struct{ cn, en string }{
	"cn-shanghai":    {"华东2（上海）", "China (Shanghai)"},
	"cn-hangzhou":    {"华东1（杭州）", "China (Hangzhou)"},
	"ap-southeast-1": {"新加坡", "Singapore"},
	"eu-central-1":   {"德国（法兰克福）", "Germany (Frankfurt)"},
}

// describeRegions lists the regions:
// https://help.aliyun.com/zh/ecp/api-eds-aic-2023-09-30-describeregions
func (c *Server) describeRegions(in *call) (any, *apiError) {
	if apiErr := in.checkNames("AcceptLanguage", "SaleMode"); apiErr != nil {
		return nil, apiErr
	}
	language := in.params.Get("AcceptLanguage")
	if !slices.Contains([]string{"", "cn", "en"}, language) {
		return nil, refuse(http.StatusBadRequest, "InvalidParameter.AcceptLanguage", "AcceptLanguage is cn or en, got %q.", language)
	}
	if mode := in.params.Get("SaleMode"); !slices.Contains([]string{"", "Instance", "Node"}, mode) {
		return nil, refuse(http.StatusBadRequest, "InvalidParameter.SaleMode", "SaleMode is Instance or Node, got %q.", mode)
	}
	regions := c.Regions
	if regions == nil {
		regions = documentedRegions
	}
	type region struct{ RegionId, RegionName string }
	models := []region{}
	for _, id := range regions {
		name := regionNames[id].cn
		if language == "en" {
			name = regionNames[id].en
		}
		if name == "" {
			name = id
		}
		models = append(models, region{id, name})
	}
	return struct {
		RequestId    string
		RegionModels []region
	}{in.id, models}, nil
}
