package cloudphone

import (
	"time"

	"github.com/go-faster/jx"

	"matrix-expiry-report/report"
)

// Bounds of one row.
const (
	maxIDBytes         = 256
	maxTags            = 50
	maxRawExpiryBytes  = 100
	tagBytes           = 48   // of a map's entry
	maxSharedTexts     = 1000 // different texts, and tag lists, that are remembered
	maxSharedTextBytes = 1000 // of each
)

// nodeTexts are the texts and tags that many rows share, by their JSON.
type nodeTexts struct {
	texts map[string]string
	tags  map[string]map[string]string
}

// The fields of a row that are texts, those of one row only first.
const (
	nodeID = iota
	nodeName
	nodeRegion
	nodeStatus
	nodeServerType
	nodeInstanceType
	nodeBandwidth
	nodeFields
)

// node decodes one row of NodeModel.
func (d *decoder) node(in *jx.Decoder, p *Page) error {
	m := &report.Matrix{}
	var texts [nodeFields]jx.Raw
	var bizTags, tags, expiry jx.Raw
	err := object(in, func(in *jx.Decoder, name []byte) (err error) {
		switch string(name) {
		case "NodeId":
			texts[nodeID], err = value(in)
		case "NodeName":
			texts[nodeName], err = value(in)
		case "RegionId":
			texts[nodeRegion], err = value(in)
		case "Status":
			texts[nodeStatus], err = value(in)
		case "ServerType":
			texts[nodeServerType], err = value(in)
		case "InstanceType":
			texts[nodeInstanceType], err = value(in)
		case "BandwidthPackageStatus":
			texts[nodeBandwidth], err = value(in)
		case "GmtCreate":
			m.CreatedAt, err = d.time(in)
		case "GmtModified":
			m.ModifiedAt, err = d.time(in)
		case "GmtExpired":
			expiry, err = value(in)
		case "PhoneCount":
			m.PhoneCount, err = number(in, 0)
			m.PhoneCount = max(0, m.PhoneCount)
		case "BizTags":
			bizTags, err = value(in)
		case "Tags":
			tags, err = value(in)
		default:
			err = in.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if p.Expiry == "" {
		p.Expiry = string(appendCut(nil, expiry, maxRawExpiryBytes))
	}
	var ok bool
	if m.ExpiresAt, ok = d.parse(expiry); ok {
		expiry = nil
	}
	if !d.ownTexts(m, texts[nodeID], texts[nodeName], expiry) {
		p.Unreadable++
		return nil
	}
	m.Region, m.Status = d.shared(texts[nodeRegion]), d.shared(texts[nodeStatus])
	m.ServerType, m.InstanceType = d.shared(texts[nodeServerType]), d.shared(texts[nodeInstanceType])
	m.BandwidthStatus = d.shared(texts[nodeBandwidth])
	if m.Tags, err = d.tagsOf(bizTags, tags); err != nil {
		return err
	}
	p.Nodes = append(p.Nodes, m)
	return nil
}

// ownTexts sets the texts that a row shares with no other, as one piece of
// memory. It reports false if the id is too long.
func (d *decoder) ownTexts(m *report.Matrix, id, name, expiry jx.Raw) bool {
	d.row = appendText(d.row[:0], id)
	idEnd := len(d.row)
	if idEnd > maxIDBytes {
		return false
	}
	d.row = appendCut(d.row, name, maxTextBytes)
	nameEnd := len(d.row)
	d.row = appendCut(d.row, expiry, maxRawExpiryBytes)
	all := string(d.row)
	m.NodeID, m.Name, m.ExpiresRaw = all[:idEnd], all[idEnd:nameEnd], all[nameEnd:]
	d.allocated += len(all)
	return true
}

// shared decodes a text that many rows have.
func (d *decoder) shared(raw jx.Raw) string {
	if s, ok := d.texts[string(raw)]; ok {
		return s
	}
	s := string(appendCut(nil, raw, maxTextBytes))
	d.allocated += len(s)
	if len(raw) <= maxSharedTextBytes {
		if len(d.texts) == maxSharedTexts {
			clear(d.texts)
		}
		d.texts[string(raw)] = s
	}
	return s
}

var noTags = map[string]string{}

// tagsOf joins two lists of tags. The later one is the newer field of the API.
func (d *decoder) tagsOf(older, newer jx.Raw) (map[string]string, error) {
	if len(older) <= len("[]") && len(newer) <= len("[]") {
		return noTags, nil
	}
	d.row = append(append(append(d.row[:0], older...), 0), newer...)
	if tags, ok := d.tags[string(d.row)]; ok {
		return tags, nil
	}
	tags := map[string]string{}
	for _, raw := range []jx.Raw{older, newer} {
		if len(raw) == 0 || raw[0] != '[' {
			continue
		}
		if err := jx.DecodeBytes(raw).Arr(func(in *jx.Decoder) error { return tag(in, tags) }); err != nil {
			return nil, err
		}
	}
	for key, value := range tags {
		d.allocated += len(key) + len(value) + tagBytes
	}
	if len(d.row) <= maxSharedTextBytes {
		if len(d.tags) == maxSharedTexts {
			clear(d.tags)
		}
		d.tags[string(d.row)] = tags
	}
	return tags, nil
}

// tag decodes one tag; those beyond maxTags are dropped.
func tag(in *jx.Decoder, to map[string]string) error {
	if in.Next() != jx.Object {
		return in.Skip()
	}
	var key, value string
	err := in.ObjBytes(func(in *jx.Decoder, name []byte) (err error) {
		switch string(name) {
		case "Key":
			key, err = text(in)
		case "Value":
			value, err = text(in)
		default:
			err = in.Skip()
		}
		return err
	})
	if _, ok := to[key]; ok || len(to) < maxTags {
		to[key] = value
	}
	return err
}

// time decodes a timestamp. One that cannot be parsed is absent.
func (d *decoder) time(in *jx.Decoder) (report.Time, error) {
	raw, err := value(in)
	t, _ := d.parse(raw)
	return t, err
}

// parse parses the JSON of a timestamp.
func (d *decoder) parse(raw jx.Raw) (report.Time, bool) {
	if len(raw) == len(`""`)+len(time.DateTime) {
		if t, ok := parseDateTime(raw[1:len(raw)-1], d.zone); ok {
			return t, true
		}
	}
	return ParseTime(string(appendCut(nil, raw, maxTextBytes)), d.zone)
}
