package cloudphone

import (
	"github.com/go-faster/jx"

	"matrix-expiry-report/report"
)

// Bounds of one row.
const (
	maxIDBytes        = 256
	maxTags           = 50
	maxRawExpiryBytes = 100
	tagBytes          = 48 // of a map's entry
)

// node decodes one row of NodeModel.
func (d *decoder) node(in *jx.Decoder, p *Page) error {
	var m report.Matrix
	var expiry, bizTags, tags jx.Raw
	err := object(in, func(in *jx.Decoder, name []byte) error {
		v, err := value(in)
		switch string(name) {
		case "NodeId":
			m.NodeID = text(v, maxTextBytes)
		case "NodeName":
			m.Name = text(v, maxTextBytes)
		case "RegionId":
			m.Region = d.shared(v)
		case "Status":
			m.Status = d.shared(v)
		case "ServerType":
			m.ServerType = d.shared(v)
		case "InstanceType":
			m.InstanceType = d.shared(v)
		case "BandwidthPackageStatus":
			m.BandwidthStatus = d.shared(v)
		case "GmtCreate":
			m.CreatedAt, _ = d.time(v)
		case "GmtModified":
			m.ModifiedAt, _ = d.time(v)
		case "GmtExpired":
			expiry = v
		case "PhoneCount":
			m.PhoneCount = max(0, number(v, 0))
		case "BizTags":
			bizTags = v
		case "Tags":
			tags = v
		}
		return err
	})
	if err != nil {
		return err
	}
	if p.Expiry == "" {
		p.Expiry = text(expiry, maxRawExpiryBytes)
	}
	if len(m.NodeID) > maxIDBytes {
		p.Unreadable++
		return nil
	}
	var ok bool
	if m.ExpiresAt, ok = d.time(expiry); !ok {
		m.ExpiresRaw = text(expiry, maxRawExpiryBytes)
	}
	m.Tags = d.tagsOf(bizTags, tags)
	d.bytes += len(m.NodeID) + len(m.Name) + len(m.ExpiresRaw)
	p.Nodes = append(p.Nodes, &m)
	return nil
}

// shared decodes a text that many rows have.
func (d *decoder) shared(v jx.Raw) string {
	s, ok := d.texts[string(v)]
	if !ok {
		s = text(v, maxTextBytes)
		d.texts[string(v)] = s
		d.held, d.bytes = d.held+len(v), d.bytes+len(s)
	}
	return s
}

// tagsOf joins two lists of tags. The later one is the newer field of the API.
// Tags without a key and those beyond maxTags are dropped.
func (d *decoder) tagsOf(older, newer jx.Raw) map[string]string {
	tags, ok := d.tags[[2]string{string(older), string(newer)}]
	if ok {
		return tags
	}
	tags = map[string]string{}
	for _, v := range []jx.Raw{older, newer} {
		if v.Type() == jx.Array {
			_ = jx.DecodeBytes(v).Arr(func(in *jx.Decoder) error { return d.tag(in, tags) }) // which was read before
		}
	}
	d.tags[[2]string{string(older), string(newer)}] = tags
	d.held += len(older) + len(newer)
	return tags
}

// tag decodes one tag.
func (d *decoder) tag(in *jx.Decoder, tags map[string]string) error {
	if in.Next() != jx.Object {
		return in.Skip()
	}
	var key, val string
	err := in.ObjBytes(func(in *jx.Decoder, name []byte) error {
		v, err := value(in)
		switch string(name) {
		case "Key":
			key = text(v, maxTextBytes)
		case "Value":
			val = text(v, maxTextBytes)
		}
		return err
	})
	if _, ok := tags[key]; key != "" && (ok || len(tags) < maxTags) {
		tags[key] = val
		d.bytes += len(key) + len(val) + tagBytes
	}
	return err
}

// time parses a timestamp. One that cannot be parsed is absent.
func (d *decoder) time(v jx.Raw) (report.Time, bool) { return ParseTime(text(v, maxTextBytes), d.zone) }
