// Command sdkmap uses the SDK's own decoding of the response, a map.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"matrix-expiry-report/bench/baseline"
)

func main() {
	baseline.Serve(func(endpoint, id, secret string) (baseline.Client, error) {
		c, err := baseline.OpenSDK(endpoint, id, secret)
		return client{c}, err
	})
}

type client struct{ *baseline.SDK }

func (c client) Page(ctx context.Context, action string, query map[string]string, take func(*baseline.Row)) (p baseline.Page, err error) {
	res, err := c.Call(ctx, action, "json", query)
	if err != nil {
		return p, err
	}
	body, ok := res["body"].(map[string]any)
	if !ok {
		return p, fmt.Errorf("the SDK returned a body of type %T", res["body"])
	}
	p.Total, p.Next = number(body["TotalCount"]), text(body["NextToken"])
	for _, r := range list(body["RegionModels"]) {
		p.Regions = append(p.Regions, text(r["RegionId"]))
	}
	for _, n := range list(body["NodeModel"]) {
		at := func(name string) []byte { return []byte(text(n[name])) }
		take(&baseline.Row{
			ID: at("NodeId"), Name: at("NodeName"), Region: at("RegionId"), Status: at("Status"),
			ServerType: at("ServerType"), InstanceType: at("InstanceType"),
			Created: at("GmtCreate"), Modified: at("GmtModified"), Expired: at("GmtExpired"),
			Phones: number(n["PhoneCount"]), Tags: func() map[string]string { return tags(n) },
		})
	}
	return p, nil
}

func tags(n map[string]any) map[string]string {
	all := map[string]string{}
	for _, name := range []string{"BizTags", "Tags"} {
		for _, t := range list(n[name]) {
			all[text(t["Key"])] = text(t["Value"])
		}
	}
	return all
}

func text(v any) string { s, _ := v.(string); return s }

func number(v any) int {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func list(v any) (maps []map[string]any) {
	all, _ := v.([]any)
	for _, item := range all {
		if m, ok := item.(map[string]any); ok {
			maps = append(maps, m)
		}
	}
	return maps
}
