package cloud

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// oldParams are the parameters that belong to the older signature. RegionId is
// among them because older clients always send it; with the newer signature it
// is refused, since the filter is called BizRegionId and a client that takes
// one for the other would be answered with every region.
var oldParams = []string{"Action", "Version", "Format", "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp", "SecurityToken", "RegionId"}

// maxListed is how many values a repeated parameter such as NodeIds.N takes.
const maxListed = 100

// checkNames refuses parameters that the action does not have. In allowed, N
// stands for a number from 1, as in the vendor's pages: Tags.N.Key.
func (in *call) checkNames(allowed ...string) *apiError {
	for _, name := range slices.Sorted(maps.Keys(in.params)) {
		if in.old && slices.Contains(oldParams, name) {
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

// list collects name.1, name.2, … in order of their numbers.
func (in *call) list(name string) []string {
	var all []string
	for n := 1; n <= maxListed; n++ {
		if v := in.params.Get(name + "." + strconv.Itoa(n)); v != "" {
			all = append(all, v)
		}
	}
	return all
}
