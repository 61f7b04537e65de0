package cloud

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"
)

// count counts a fleet by the rules that the comment of Fleet describes.
func count(t *testing.T, nodes []Node, now time.Time) map[string]int {
	t.Helper()
	parse := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", s, beijing)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	midnight := func(at time.Time) time.Time {
		y, m, d := at.In(beijing).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	days := func(at time.Time) int { return int(midnight(at).Sub(midnight(now)) / (24 * time.Hour)) }
	got := map[string]int{}
	soonest, sameDay := 1<<30, map[string]int{}
	for _, n := range nodes {
		created, modified := parse(n.GmtCreate), parse(n.GmtModified)
		if created.After(now) || modified.After(now) || modified.Before(created) {
			t.Errorf("now %v: %s was created %v and modified %v", now, n.NodeId, created, modified)
		}
		age := func(at time.Time) string {
			if now.Sub(at) > 24*time.Hour {
				return "stuck "
			}
			return "recent "
		}
		left := 1 << 20
		if n.GmtExpired != "" {
			left = days(parse(n.GmtExpired))
		}
		switch {
		case n.Status == "DELETED":
			got["deleted"]++
		case n.Status == "DELETING":
			got[age(modified)+n.Status]++
			if days(modified) != -5 {
				t.Errorf("DELETING for %d days", -days(modified))
			}
		case n.Status == "FAILED":
			got["failed"]++
			got[map[int]string{0: "failed today", -3: "failed 3 days ago"}[days(created)]]++
		case left < 0:
			got["expired"]++
			if left != -2 || n.GmtExpired[11:] != "23:59:59" {
				t.Errorf("expired %s", n.GmtExpired)
			}
		case n.GmtExpired != "" && !parse(n.GmtExpired).After(now):
			t.Errorf("now %v: %s expired today, %s", now, n.NodeId, n.GmtExpired)
		case left <= 30:
			got["expiring"]++
			switch {
			case left <= 3:
				got["within 3"]++
			case left <= 7:
				got["within 7"]++
			}
			sameDay[n.RegionId+n.GmtExpired]++
		case n.Status == "CREATING" || n.Status == "NODE_READY":
			s := age(created) + n.Status
			if n.GmtExpired == "" {
				s += " without expiry"
			}
			got[s]++
		case n.GmtExpired == "":
			got[n.Status+" without expiry"]++
		case n.Status == "RUNNING" && n.GmtExpired[:4] == "2099":
			got["2099"]++
		default:
			got[n.Status]++
			soonest = min(soonest, left)
		}
	}
	if soonest != 43 {
		t.Errorf("now %v: the first expiry after 30 days is in %d days, want 43", now, soonest)
	}
	for _, n := range sameDay {
		if n > 1 {
			got["groups by time and region"]++
		}
	}
	return got
}

func TestFleetMatchesItsComment(t *testing.T) {
	want := map[string]int{
		"failed": 2, "failed today": 1, "failed 3 days ago": 1, "expired": 1, "expiring": 16, "within 3": 4, "within 7": 5,
		"stuck CREATING": 1, "stuck DELETING": 1, "recent CREATING without expiry": 1, "recent NODE_READY": 1, "RUNNING without expiry": 1,
		"MAINTAINING": 1, "deleted": 3, "2099": 1, "RUNNING": 102, "groups by time and region": 4,
	}
	for _, now := range []time.Time{
		testNow,
		time.Date(2026, 11, 22, 0, 0, 0, 0, beijing), time.Date(2026, 11, 22, 23, 59, 59, 0, beijing),
		time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 18, 30, 0, 0, time.UTC),
		time.Date(2027, 3, 28, 3, 0, 0, 0, time.FixedZone("", -5*60*60)),
	} {
		nodes := Fleet(now)
		if got := count(t, nodes, now); len(nodes) != 131 || !reflect.DeepEqual(got, want) {
			t.Errorf("now %v: %d matrices\n got %v\nwant %v", now, len(nodes), got, want)
		}
		if !reflect.DeepEqual(nodes, Fleet(now)) {
			t.Errorf("now %v: two calls return different fleets", now)
		}
	}
}

func TestFleetIsPlausible(t *testing.T) {
	id := regexp.MustCompile(`^cpn-([a-z0-9]{13}|ehs0yoedq8ntm\*{4})$`)
	seen, regions, servers, tagged, ends := map[string]bool{}, map[string]int{}, map[string]int{}, map[bool]int{}, map[string]int{}
	var names []string
	for _, n := range Fleet(testNow) {
		if !id.MatchString(n.NodeId) || seen[n.NodeId] {
			t.Errorf("id %q is malformed or not unique", n.NodeId)
		}
		seen[n.NodeId] = true
		if n.PhoneCount < 25 || n.PhoneCount > 40 || n.NodeName == "" || n.ChargeType != "PrePaid" {
			t.Errorf("implausible: %+v", n)
		}
		names = append(names, n.NodeName)
		regions[n.RegionId]++
		servers[n.ServerType+" "+n.InstanceType]++
		tagged[n.Tags != nil || n.BizTags != nil]++
		if n.GmtExpired != "" {
			ends[n.GmtExpired[11:]]++
		}
	}
	for _, region := range documentedRegions {
		if regions[region] < 5 {
			t.Errorf("%d matrices in %s", regions[region], region)
		}
	}
	if len(regions) != 4 || len(servers) != 6 || tagged[true] < 30 || tagged[false] < 30 {
		t.Errorf("regions %v, servers %v, tagged %v", regions, servers, tagged)
	}
	if len(ends) != 3 || ends["02:00:34"] != 1 || ends["00:00:00"] < 20 || ends["23:59:59"] < 20 {
		t.Errorf("times of day of the expiries: %v", ends)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != 131 {
		t.Errorf("names repeat: %v", names)
	}
	if !slices.Contains(names, "<!channel> *bold* [link](http://evil.example) & co") {
		t.Error("no name contains markup")
	}
}

// sampleRow is the example of the vendor's documentation without its times:
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
const sampleRow = `{"Status":"RUNNING","ServerType":"cpm.gx7.10xlarge","ResolutionWidth":720,"NodeName":"node_name","Memory":32,
"VSwitchId":"vsw-2zeekryyc1q3sm72l****","Cpu":"2","ResolutionHeight":1280,"NetworkId":"cn-hangzhou+dir-5mwr9azebliva****","PhoneCount":25,
"ChargeType":"PrePaid","NodeId":"cpn-ehs0yoedq8ntm****","RegionId":"cn-hangzhou","InstanceType":"ac.max","ShareDataVolume":100,
"PhoneDataInfo":{"PhoneDataId":"pd-dhusabisshj****","PhoneDataVolume":20},"NetworkInfos":[{"VSwitchId":"vsw-j6cjgev6fv3ftw4f0****",
"NetworkId":"cn-hangzhou+dir-avcuocx9805oq****","NetworkType":"network_pro_ecd","BandwidthPackageType":"cbwp_ecd","BandwidthPackageId":"cbwp-hn3tj409amvamz8mf****"}],
"NetworkType":"network_pro_ecd","BandwidthPackageType":"cbwp_ecd","BandwidthPackageId":"cbwp-7xvrl7axet2qg6yia******",
"BizTags":[{"Key":"keyname","Value":"valuename"}],"BandwidthPackageStatus":"1","SwapSize":0}`

func TestFleetHasTheDocumentedExample(t *testing.T) {
	var want map[string]any
	if err := json.Unmarshal([]byte(sampleRow), &want); err != nil {
		t.Fatal(err)
	}
	for _, n := range Fleet(testNow) {
		if n.NodeName != "node_name" {
			continue
		}
		b, _ := json.Marshal(n)
		var got map[string]any
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if got["GmtExpired"] != "2026-11-24 02:00:34" {
			t.Errorf("GmtExpired %v", got["GmtExpired"])
		}
		for _, name := range []string{"GmtExpired", "GmtCreate", "GmtModified"} {
			delete(got, name)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		return
	}
	t.Error("no matrix is named node_name")
}
