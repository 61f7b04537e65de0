package cloud

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// publicParams are the parameters that the gateway takes with every action. The
// official clients send RegionId, and the Go SDK v1, on which the aliyun command
// line is built, an empty SignatureType. RegionId filters nothing here: the
// filter is named BizRegionId.
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
var publicParams = []string{"Action", "Version", "Format", "AccessKeyId", "Signature", "SignatureMethod", "SignatureType", "SignatureVersion", "SignatureNonce", "Timestamp", "SecurityToken", "RegionId"}

// maxListed is the largest N of a repeated parameter such as NodeIds.N.
const maxListed = 100

// checkNames refuses parameters other than those allowed. In allowed, N stands
// for a number from 1, as in the vendor's documentation: Tags.N.Key.
func (in *call) checkNames(allowed ...string) *apiError {
	for _, name := range slices.Sorted(maps.Keys(in.params)) {
		if slices.Contains(publicParams, name) {
			continue
		}
		parts := strings.Split(name, ".")
		if len(parts) > 1 {
			n, err := strconv.Atoi(parts[1])
			if err != nil || n < 1 || n > maxListed || strconv.Itoa(n) != parts[1] {
				return refuse(http.StatusBadRequest, "InvalidParameter", "The parameter %s must be numbered from 1 to %d.", name, maxListed)
			}
			parts[1] = "N"
		}
		if !slices.Contains(allowed, strings.Join(parts, ".")) {
			return refuse(http.StatusBadRequest, "InvalidParameter", "The parameter %s is not one of %s: %s.", name, in.action, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// list returns the values of name.1, name.2, … in this order.
func (in *call) list(name string) []string {
	var all []string
	for n := 1; n <= maxListed; n++ {
		if v := in.params.Get(name + "." + strconv.Itoa(n)); v != "" {
			all = append(all, v)
		}
	}
	return all
}
