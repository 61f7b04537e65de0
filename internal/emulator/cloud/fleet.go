package cloud

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// fleetSize is the number of matrices of [Fleet].
const fleetSize = 131

// Fleet returns 131 matrices in the four documented regions, as a company might
// have them at the given time. It is a pure function of now.
//
// In calendar days of Beijing and with 24 hours until a matrix is stuck, these
// need attention: 2 FAILED, 1 expired, 16 expiring within 30 days (4 of them
// within 3 days and 5 more within 7), 1 stuck in CREATING, 1 stuck in DELETING,
// 1 RUNNING without an expiry, and 1 with a status that is not documented.
// The others do not: 3 DELETED, 1 recent CREATING without an expiry,
// 1 recent NODE_READY, 1 that never expires (2099), and 102 RUNNING ones, of
// which the first expires in 43 days.
//
// One name contains the markup of several chat services. One matrix is the
// example of the vendor's documentation, with its dates moved.
func Fleet(now time.Time) []Node {
	f := fleet{now: now.In(beijing), random: rand.New(rand.NewPCG(20230930, 131)), named: map[string]int{}, ids: map[string]bool{}}
	f.addFindings()
	f.addInconspicuous()
	for i := 0; len(f.nodes) < fleetSize; i++ {
		// 43 days ahead, then later and later, two or three on the same day.
		n := f.add(43 + i*3 - i%3*3)
		if i%3 == 0 {
			n.GmtExpired = f.end(43+i*3, midnight)
		}
	}
	// In order of urgency, the list would hide a report that does not sort.
	f.random.Shuffle(len(f.nodes), func(i, j int) { f.nodes[i], f.nodes[j] = f.nodes[j], f.nodes[i] })
	nodes := make([]Node, len(f.nodes))
	for i, n := range f.nodes {
		nodes[i] = *n
	}
	return nodes
}

// fleet builds the matrices of [Fleet].
type fleet struct {
	now    time.Time // in Beijing
	random *rand.Rand
	nodes  []*Node
	named  map[string]int // how many names each pattern has given
	ids    map[string]bool
}

// addFindings adds the matrices that need attention.
func (f *fleet) addFindings() {
	// Half of today so far, so that it is today at any time of day.
	today := f.day(0)
	f.failed(today.Add(f.now.Sub(today) / 2))
	f.failed(f.day(-3).Add(15*time.Hour + 20*time.Minute + 11*time.Second))

	f.in("cn-hangzhou", f.add(-2)).GmtExpired = f.end(-2, lastSecond)

	// Within 3 days; the vendor's example is the second of them.
	f.in("cn-shanghai", f.add(1)).GmtExpired = f.end(1, midnight)
	f.example()
	f.in("cn-hangzhou", f.add(3)).GmtExpired = f.end(3, lastSecond)
	f.in("cn-hangzhou", f.add(3)).GmtExpired = f.end(3, lastSecond)

	// Within 7 days; three expire at the same time.
	for range 3 {
		f.in("cn-shanghai", f.add(5)).GmtExpired = f.end(5, midnight)
	}
	f.in("cn-hangzhou", f.add(5)).NodeName = "<!channel> *bold* [link](http://evil.example) & co"
	f.in("ap-southeast-1", f.add(7)).GmtExpired = f.end(7, lastSecond)

	// Within 30 days: both ends of the range, and two pairs.
	for i, days := range []int{8, 12, 12, 19, 26, 26, 30} {
		n := f.in([]string{"eu-central-1", "ap-southeast-1", "ap-southeast-1", "cn-shanghai", "cn-hangzhou", "cn-hangzhou", "eu-central-1"}[i], f.add(days))
		n.GmtExpired = f.end(days, lastSecond)
	}

	stuck := f.add(362)
	stuck.Status = "CREATING"
	f.created(stuck, f.now.Add(-3*24*time.Hour))

	deleting := f.add(-6)
	deleting.Status = "DELETING"
	deleting.GmtModified = Time(f.now.Add(-5 * 24 * time.Hour))

	f.add(90).GmtExpired = ""
	f.add(120).Status = "MAINTAINING"
}

// addInconspicuous adds the matrices that a report must count but not list, and
// that are not plainly RUNNING.
func (f *fleet) addInconspicuous() {
	for i := range 3 {
		deleted := f.add(-9 - i)
		deleted.Status = "DELETED"
		deleted.GmtModified = Time(f.day(-1 - i).Add(11 * time.Hour))
	}
	creating := f.add(365)
	creating.Status, creating.GmtExpired = "CREATING", ""
	f.created(creating, f.now.Add(-4*time.Minute))

	ready := f.add(365)
	ready.Status = "NODE_READY"
	f.created(ready, f.now.Add(-38*time.Minute))

	f.add(365).GmtExpired = "2099-12-31 23:59:59"
}

// failed adds a matrix whose creation failed.
func (f *fleet) failed(at time.Time) {
	n := f.add(365)
	n.Status = "FAILED"
	f.created(n, at)
}

// created sets the creation of n, which has not been modified since.
func (f *fleet) created(n *Node, t time.Time) { n.GmtCreate, n.GmtModified = Time(t), Time(t) }

// day returns the beginning of the day that is the given number of days ahead.
func (f *fleet) day(days int) time.Time {
	y, m, d := f.now.Date()
	return time.Date(y, m, d+days, 0, 0, 0, 0, beijing)
}

// Subscriptions expire at the beginning or at the end of a day in Beijing.
const (
	midnight   = 0
	lastSecond = 24*time.Hour - time.Second
)

// end returns the expiry at a time of day, days ahead.
func (f *fleet) end(days int, at time.Duration) string { return Time(f.day(days).Add(at)) }

// add appends a RUNNING matrix that expires the given number of days ahead.
func (f *fleet) add(days int) *Node {
	kind := machines[f.random.IntN(len(machines))]
	bought := f.day(days - 365).Add(time.Duration(9*60*60+f.random.IntN(9*60*60)) * time.Second)
	if days > 330 { // bought at least a month ago, for more than a year
		bought = f.day(-35 - f.random.IntN(60)).Add(10*time.Hour + time.Duration(f.random.IntN(25000))*time.Second)
	}
	n := &Node{
		NodeId: f.id(), Status: "RUNNING", ChargeType: "PrePaid",
		ServerType: kind.server, InstanceType: kind.instances[f.random.IntN(2)], Cpu: kind.cpu, Memory: kind.memory,
		PhoneCount:      25 + f.random.IntN(16),
		ResolutionWidth: 720, ResolutionHeight: 1280,
		ShareDataVolume: 100 * (1 + f.random.IntN(4)),
		PhoneDataInfo:   &PhoneDataInfo{PhoneDataId: "pd-" + f.letters(13), PhoneDataVolume: 20},
		NetworkType:     "network_pro_ecd",
		GmtCreate:       Time(bought),
		GmtModified:     Time(bought.Add(7 * time.Minute)),
		GmtExpired:      f.end(days, lastSecond),
	}
	f.in(regionOf(f.random.IntN(100)), n)
	switch f.random.IntN(6) {
	case 0, 1:
		n.Tags = []Tag{{"owner", owners[f.random.IntN(len(owners))]}}
	case 2:
		n.BizTags = []Tag{{"owner", owners[f.random.IntN(len(owners))]}, {"env", "prod"}}
	}
	f.nodes = append(f.nodes, n)
	return n
}

// in moves n to a region, with a name and a network of that region.
func (f *fleet) in(region string, n *Node) *Node {
	n.RegionId = region
	names := namesIn[region]
	pattern := names[f.random.IntN(len(names))]
	f.named[pattern]++
	n.NodeName = fmt.Sprintf(pattern, f.named[pattern])
	n.NetworkId = region + "+dir-" + f.letters(16)
	n.VSwitchId = "vsw-" + f.letters(21)
	return n
}

// example adds the example of the vendor's documentation, with every field it
// has, its masked ids and its time of day:
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
func (f *fleet) example() {
	created := time.Date(f.day(2).Year(), f.day(2).Month(), f.day(2).Day()-116, 2, 3, 14, 0, beijing)
	f.nodes = append(f.nodes, &Node{
		NodeId: "cpn-ehs0yoedq8ntm****", NodeName: "node_name", RegionId: "cn-hangzhou", Status: "RUNNING",
		ServerType: "cpm.gx7.10xlarge", InstanceType: "ac.max", ChargeType: "PrePaid",
		GmtCreate: Time(created), GmtModified: Time(created.AddDate(0, 0, 92)),
		GmtExpired: f.end(2, 2*time.Hour+34*time.Second),
		Cpu:        "2", Memory: 32, PhoneCount: 25, ResolutionWidth: 720, ResolutionHeight: 1280, ShareDataVolume: 100,
		PhoneDataInfo: &PhoneDataInfo{PhoneDataId: "pd-dhusabisshj****", PhoneDataVolume: 20},
		NetworkId:     "cn-hangzhou+dir-5mwr9azebliva****", VSwitchId: "vsw-2zeekryyc1q3sm72l****", NetworkType: "network_pro_ecd",
		NetworkInfos: []NetworkInfo{{
			NetworkId: "cn-hangzhou+dir-avcuocx9805oq****", NetworkType: "network_pro_ecd", VSwitchId: "vsw-j6cjgev6fv3ftw4f0****",
			BandwidthPackageId: "cbwp-hn3tj409amvamz8mf****", BandwidthPackageType: "cbwp_ecd",
		}},
		BandwidthPackageId: "cbwp-7xvrl7axet2qg6yia******", BandwidthPackageType: "cbwp_ecd", BandwidthPackageStatus: "1",
		BizTags: []Tag{{"keyname", "valuename"}},
	})
}

// id returns a new matrix id.
func (f *fleet) id() string {
	for {
		id := "cpn-" + f.letters(13)
		if !f.ids[id] {
			f.ids[id] = true
			return id
		}
	}
}

// letters returns n random letters and digits.
func (f *fleet) letters(n int) string {
	const set = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = set[f.random.IntN(len(set))]
	}
	return string(b)
}
