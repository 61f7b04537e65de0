package cloud

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// fleetSize is how many matrices [Fleet] has.
const fleetSize = 131

// Fleet makes 131 matrices in the four documented regions, as a company might
// have them at the given moment. The same moment gives the same fleet.
//
// With an outlook of 30 calendar days in Beijing, steps at 3 and 7 days and 24
// hours of patience, it holds: 2 FAILED, 1 expired, 16 expiring (4 within 3
// days, 5 more within 7, 7 more within 30), 1 stuck in CREATING, 1 stuck in
// DELETING, 1 RUNNING without an expiry and 1 with a status that is documented
// nowhere; beside them what must disturb nobody: 3 DELETED, 1 fresh CREATING
// without an expiry yet, 1 fresh NODE_READY, 1 that never expires (2099), and
// 102 RUNNING ones, the first of which expires in 43 days.
//
// One name tries to be markup, and one matrix is the example of the vendor's
// page, moved in time.
func Fleet(now time.Time) []Node {
	f := fleet{now: now.In(beijing), random: rand.New(rand.NewPCG(20230930, 131)), named: map[string]int{}, ids: map[string]bool{}}
	f.needSomebody()
	f.needNobody()
	for i := 0; len(f.nodes) < fleetSize; i++ {
		// 43 days ahead, then later and later, two or three on the same day.
		n := f.add(43 + i*3 - i%3*3)
		if i%3 == 0 {
			n.GmtExpired = f.end(43+i*3, midnight)
		}
	}
	// A list in order of urgency would hide a report that does not sort.
	f.random.Shuffle(len(f.nodes), func(i, j int) { f.nodes[i], f.nodes[j] = f.nodes[j], f.nodes[i] })
	nodes := make([]Node, len(f.nodes))
	for i, n := range f.nodes {
		nodes[i] = *n
	}
	return nodes
}

type fleet struct {
	now    time.Time // in Beijing
	random *rand.Rand
	nodes  []*Node
	named  map[string]int
	ids    map[string]bool
}

// needSomebody adds what a report must flag.
func (f *fleet) needSomebody() {
	// Half of today so far, which is today at any time of day.
	today := f.day(0)
	f.failed(today.Add(f.now.Sub(today) / 2))
	f.failed(f.day(-3).Add(15*time.Hour + 20*time.Minute + 11*time.Second))

	f.in("cn-hangzhou", f.add(-2)).GmtExpired = f.end(-2, lastSecond)

	// Within 3 days: the example of the vendor's page is the second of them.
	f.in("cn-shanghai", f.add(1)).GmtExpired = f.end(1, midnight)
	f.example()
	f.in("cn-hangzhou", f.add(3)).GmtExpired = f.end(3, lastSecond)
	f.in("cn-hangzhou", f.add(3)).GmtExpired = f.end(3, lastSecond)

	// Within 7: three end together.
	for range 3 {
		f.in("cn-shanghai", f.add(5)).GmtExpired = f.end(5, midnight)
	}
	f.in("cn-hangzhou", f.add(5)).NodeName = "<!channel> *bold* [link](http://evil.example) & co"
	f.in("ap-southeast-1", f.add(7)).GmtExpired = f.end(7, lastSecond)

	// Within 30: both ends of the range, and two pairs.
	for i, days := range []int{8, 12, 12, 19, 26, 26, 30} {
		n := f.in([]string{"eu-central-1", "ap-southeast-1", "ap-southeast-1", "cn-shanghai", "cn-hangzhou", "cn-hangzhou", "eu-central-1"}[i], f.add(days))
		n.GmtExpired = f.end(days, lastSecond)
	}

	stuck := f.add(362)
	stuck.Status = "CREATING"
	f.made(stuck, f.now.Add(-3*24*time.Hour))

	leaving := f.add(-6)
	leaving.Status = "DELETING"
	leaving.GmtModified = Time(f.now.Add(-5 * 24 * time.Hour))

	f.add(90).GmtExpired = ""
	f.add(120).Status = "MAINTAINING"
}

// needNobody adds what a report must count and leave alone.
func (f *fleet) needNobody() {
	for i := range 3 {
		gone := f.add(-9 - i)
		gone.Status = "DELETED"
		gone.GmtModified = Time(f.day(-1 - i).Add(11 * time.Hour))
	}
	creating := f.add(365)
	creating.Status, creating.GmtExpired = "CREATING", ""
	f.made(creating, f.now.Add(-4*time.Minute))

	ready := f.add(365)
	ready.Status = "NODE_READY"
	f.made(ready, f.now.Add(-38*time.Minute))

	f.add(365).GmtExpired = "2099-12-31 23:59:59"
}

func (f *fleet) failed(at time.Time) {
	n := f.add(365)
	n.Status = "FAILED"
	f.made(n, at)
}

// made says that nothing has touched n since it was ordered at t.
func (f *fleet) made(n *Node, t time.Time) { n.GmtCreate, n.GmtModified = Time(t), Time(t) }

// day is the beginning of the day in Beijing that is so many days ahead.
func (f *fleet) day(days int) time.Time {
	y, m, d := f.now.Date()
	return time.Date(y, m, d+days, 0, 0, 0, 0, beijing)
}

// Subscriptions end at either end of a day in Beijing.
const (
	midnight   = 0
	lastSecond = 24*time.Hour - time.Second
)

func (f *fleet) end(days int, at time.Duration) string { return Time(f.day(days).Add(at)) }

// add appends a RUNNING matrix that expires on the day so many days ahead.
func (f *fleet) add(days int) *Node {
	kind := machines[f.random.IntN(len(machines))]
	bought := f.day(days - 365).Add(time.Duration(9*60*60+f.random.IntN(9*60*60)) * time.Second)
	if days > 330 { // bought at least a month ago, for longer
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

// in puts n into a region, with the name and the network that go with it.
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

// example adds the matrix of the vendor's page, with every field that it
// shows, its ids with their stars, and its odd time of day.
// https://help.aliyun.com/zh/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
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

func (f *fleet) id() string {
	for {
		id := "cpn-" + f.letters(13)
		if !f.ids[id] {
			f.ids[id] = true
			return id
		}
	}
}

func (f *fleet) letters(n int) string {
	const set = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = set[f.random.IntN(len(set))]
	}
	return string(b)
}
