package cloud

// machines are the documented server types, each with the instance types that
// are sold with it.
var machines = []struct {
	server    string
	instances [2]string
	cpu       string
	memory    int // GB
}{
	{"cpm.gn6.gx1", [2]string{"ac.max", "ac.plus"}, "2", 32},
	{"cpm.gx7.10xlarge", [2]string{"ac.max", "ac.plus"}, "2", 32},
	{"cpm.gx8.16xlarge", [2]string{"ac2.max", "ac2.plus"}, "4", 64},
}

var owners = []string{"team-a", "team-b", "team-c", "运营组", "直播组", "qa@example.com"}

// namesIn are patterns of matrix names, by region.
var namesIn = map[string][]string{
	"cn-hangzhou":    {"prod-hz-%02d", "直播-杭州-%02d", "QA 测试机 %d", "game-hz-%02d"},
	"cn-shanghai":    {"game-sh-%02d", "prod-sh-%02d", "运营-上海-%02d"},
	"ap-southeast-1": {"live-sg-%02d", "prod-sg-%02d"},
	"eu-central-1":   {"demo-fra-%02d", "prod-fra-%02d"},
}

// regionOf spreads 100 percent over the regions unevenly, as companies do.
func regionOf(percent int) string {
	switch {
	case percent < 40:
		return "cn-hangzhou"
	case percent < 72:
		return "cn-shanghai"
	case percent < 90:
		return "ap-southeast-1"
	}
	return "eu-central-1"
}
