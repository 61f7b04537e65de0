// Command plain uses the SDK for the request and encoding/json for the fields
// that the report needs.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"matrix-expiry-report/bench/baseline"
)

func main() {
	baseline.Serve(func(endpoint, id, secret string) (baseline.Client, error) {
		c, err := baseline.OpenSDK(endpoint, id, secret)
		return client{c}, err
	})
}

type client struct{ *baseline.SDK }

type response struct {
	TotalCount   int
	NextToken    string
	NodeModel    []node
	RegionModels []struct{ RegionId string }
}

type node struct {
	NodeId, NodeName, RegionId, Status, ServerType, InstanceType string
	GmtCreate, GmtModified, GmtExpired                           string
	PhoneCount                                                   int
	BizTags, Tags                                                []struct{ Key, Value string }
}

func (c client) Page(ctx context.Context, action string, query map[string]string, take func(*baseline.Row)) (p baseline.Page, err error) {
	res, err := c.Call(ctx, action, "binary", query)
	if err != nil {
		return p, err
	}
	body, ok := res["body"].(io.ReadCloser)
	if !ok {
		return p, fmt.Errorf("the SDK returned a body of type %T", res["body"])
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return p, err
	}
	var a response
	if err := json.Unmarshal(b, &a); err != nil {
		return p, err
	}
	p.Total, p.Next = a.TotalCount, a.NextToken
	for _, r := range a.RegionModels {
		p.Regions = append(p.Regions, r.RegionId)
	}
	for i := range a.NodeModel {
		n := &a.NodeModel[i]
		take(&baseline.Row{
			ID: []byte(n.NodeId), Name: []byte(n.NodeName), Region: []byte(n.RegionId), Status: []byte(n.Status),
			ServerType: []byte(n.ServerType), InstanceType: []byte(n.InstanceType),
			Created: []byte(n.GmtCreate), Modified: []byte(n.GmtModified), Expired: []byte(n.GmtExpired),
			Phones: n.PhoneCount, Tags: n.tags,
		})
	}
	return p, nil
}

func (n *node) tags() map[string]string {
	all := map[string]string{}
	for _, t := range append(n.BizTags, n.Tags...) {
		all[t.Key] = t.Value
	}
	return all
}
