package chat

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// webhookBodyBytes is the limit of a body: a little below 64 KB, which any
// receiver can be expected to accept.
const webhookBodyBytes = 64_000

// loadWebhook reads the URL of a program that receives the report itself, signed
// as Standard Webhooks specifies.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func loadWebhook(env *config.Env) Channel {
	c := Channel{
		url:        env.SecretURL("WEBHOOK_URL", "https://host/path"),
		isPerson:   noPerson,
		idempotent: true, // a receiver recognises a repeat by webhook-id
		formats:    []format{newWebhookBody},
		check:      checkWebhook,
	}
	key := env.Secret("WEBHOOK_SECRET").Reveal()
	if encoded, ok := strings.CutPrefix(key, "whsec_"); ok {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(decoded) == 0 {
			env.RefuseSecret("WEBHOOK_SECRET", "whsec_ and a key in base64, or any other text")
			c.url = nil
		}
		key = string(decoded)
	}
	c.sign = func(p *posting, now time.Time) { signWebhook(p, key, now) }
	return c
}

type webhookBody struct {
	Type            string        `json:"type"`
	ID              string        `json:"id"`
	Title           string        `json:"title"`
	Omitted         int           `json:"findings_omitted,omitempty"` // left out of the report, the least urgent first
	OmittedProblems int           `json:"problems_omitted,omitempty"`
	Report          report.Report `json:"report"`
}

// webhookProblems is how many problems a body has at most, to leave room for
// findings.
const webhookProblems = 25

func newWebhookBody(o outgoing) ([]byte, error) {
	r := o.report
	b := webhookBody{Type: "matrix.report", ID: o.id, Title: truncate(o.draft.Title, maxTitleChars), Omitted: len(r.Findings), Report: r}
	switch {
	case o.options.Test:
		b.Type = "matrix.test"
	case o.options.Undelivered: // the report itself was posted before
		b.Type, b.Omitted, r.Findings = "matrix.undelivered", 0, nil
	}
	b.Report.Findings = []report.Finding{}
	if b.OmittedProblems = max(0, len(r.Problems)-webhookProblems); b.OmittedProblems > 0 {
		b.Report.Problems = r.Problems[:webhookProblems:webhookProblems]
	}
	empty, err := encode(b)
	if err != nil {
		return nil, err
	}
	size := len(empty)
	for _, f := range r.Findings {
		one, err := encode(f)
		if err != nil {
			return nil, err
		}
		if size += len(one) + len(","); size > webhookBodyBytes {
			break
		}
		b.Report.Findings = append(b.Report.Findings, f)
		b.Omitted--
	}
	return encode(b)
}

// signWebhook adds the headers of Standard Webhooks, with a signature if key is
// not empty.
func signWebhook(p *posting, key string, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	p.header.Set("webhook-id", p.id)
	p.header.Set("webhook-timestamp", stamp)
	if key != "" {
		p.header.Set("webhook-signature", "v1,"+signature(key, p.id+"."+stamp+"."+string(p.body)))
	}
}

// webhookErrors has HTTP statuses for codes.
var webhookErrors = errorTable{
	"HTTP 400": {Advice: "the receiver could not parse the report: see its log"},
	"HTTP 401": {Advice: "the receiver refuses the signature: compare its secret and clock with WEBHOOK_SECRET"},
	"HTTP 403": {Advice: "the receiver refuses the signature: compare its secret and clock with WEBHOOK_SECRET"},
	"HTTP 404": {Advice: "no receiver at this URL: check WEBHOOK_URL"},
	"HTTP 410": {Advice: "the receiver accepts no more messages: remove WEBHOOK_URL"},
	"HTTP 413": {Advice: "the receiver accepts less than 64 KB: raise its limit"},
}

func checkWebhook(res *http.Response, _ []byte) *Error {
	if isSuccess(res) {
		return nil
	}
	e := statusError(res)
	return cmp.Or(webhookErrors.find(e.Code, res), e)
}
