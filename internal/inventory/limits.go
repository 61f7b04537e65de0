package inventory

// The limits of one listing. Those of one response are in package cloudphone.
const (
	// maxRegions bounds the regions that are scanned. There were about 30 regions
	// in all in 2026.
	maxRegions = 500

	// maxPagesWithoutNew is how many consecutive pages may have no new row.
	maxPagesWithoutNew = 10

	// surplusRows is how many more rows than twice its count a region may return
	// before it counts as endless.
	surplusRows = 1000

	// rowBytes is the memory of a row without its texts: a report.Matrix and its
	// entry in a map.
	rowBytes = 320

	// smallestInstance is the memory of the smallest instance of Function Compute.
	smallestInstance = 128 << 20
)

// listingBytes returns how much of the program's memory a listing may keep: a
// third, which in the smallest instance is enough for some 120,000 matrices. The
// rest is for the program itself, responses and the report.
func listingBytes(memory int64) int64 { return max(memory, smallestInstance) / 3 }

// maxPages returns how many pages a scan may have: at least 16,384, ten times as
// many as full pages would have in as much memory.
func maxPages(memory int64) int { return int(max(memory, smallestInstance) >> 13) }
