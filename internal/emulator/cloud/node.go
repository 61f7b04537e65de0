package cloud

// Node is a matrix: a row of NodeModel, with the names and types that
// DescribeCloudPhoneNodes documents. Cpu and BandwidthPackageStatus are strings
// that hold numbers.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
type Node struct {
	NodeId                 string `json:",omitempty"`
	NodeName               string `json:",omitempty"`
	RegionId               string `json:",omitempty"`
	Status                 string `json:",omitempty"` // CREATING, NODE_READY, RUNNING, FAILED, DELETING, DELETED
	ServerType             string `json:",omitempty"`
	InstanceType           string `json:",omitempty"`
	ChargeType             string `json:",omitempty"`
	GmtCreate              string `json:",omitempty"` // see [Time]
	GmtModified            string `json:",omitempty"`
	GmtExpired             string `json:",omitempty"`
	Cpu                    string `json:",omitempty"`
	Memory                 int    // GB
	PhoneCount             int
	ResolutionWidth        int
	ResolutionHeight       int
	ShareDataVolume        int            // GiB
	PhoneDataInfo          *PhoneDataInfo `json:",omitempty"`
	SwapSize               int            // not documented
	NetworkId              string         `json:",omitempty"`
	VSwitchId              string         `json:",omitempty"`
	NetworkType            string         `json:",omitempty"`
	NetworkInfos           []NetworkInfo  `json:",omitempty"`
	BandwidthPackageId     string         `json:",omitempty"`
	BandwidthPackageType   string         `json:",omitempty"`
	BandwidthPackageStatus string         `json:",omitempty"` // "0" initial, "1" normal, "2" deleted
	BizTags                []Tag          `json:",omitempty"`
	Tags                   []Tag          `json:",omitempty"`
}

// PhoneDataInfo describes the data disk of each phone of a matrix.
type PhoneDataInfo struct {
	PhoneDataId     string
	PhoneDataVolume int // GiB
}

// NetworkInfo describes one network of a matrix.
type NetworkInfo struct {
	NetworkId, NetworkType, VSwitchId, BandwidthPackageId, BandwidthPackageType string
}

// Tag is a label that a user has given to a matrix.
type Tag struct{ Key, Value string }
