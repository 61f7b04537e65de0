package chat

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
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

// A webhookService posts the report itself to a program, signed as Standard
// Webhooks specifies.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type webhookService struct {
	target
	key []byte // empty for no signatures
}

func loadWebhook(env *config.Env) service {
	secret := env.Secret("WEBHOOK_SECRET").Reveal()
	s := webhookService{target: target{env.SecretURL("WEBHOOK_URL", "https://host/path")}, key: []byte(secret)}
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if s.key, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(s.key) == 0 {
			env.RefuseSecret("WEBHOOK_SECRET", "whsec_ and a key in base64, or any other text")
			return nil
		}
	}
	if s.url == nil {
		return nil
	}
	return s
}

// A receiver recognises a repeat by webhook-id.
func (s webhookService) idempotent() bool { return true }

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

func (s webhookService) bodies(o outgoing) ([][]byte, error) {
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
	size, keep := len(empty), 0
	for _, f := range r.Findings {
		one, err := encode(f)
		if err != nil {
			return nil, err
		}
		if size += len(one) + len(","); size > webhookBodyBytes {
			break
		}
		keep++
	}
	b.Report.Findings = append(b.Report.Findings, r.Findings[:keep]...)
	b.Omitted -= keep
	body, err := encode(b)
	return [][]byte{body}, err
}

func (s webhookService) request(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error) {
	req, err := post(ctx, s.url, body)
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", stamp)
	if len(s.key) > 0 {
		mac := hmac.New(sha256.New, s.key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		req.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return req, nil
}

// webhookAdvice has HTTP statuses for codes.
var webhookAdvice = advice{
	"HTTP 400": "the receiver could not parse the report: see its log",
	"HTTP 401": "the receiver refuses the signature: compare its secret and clock with WEBHOOK_SECRET",
	"HTTP 403": "the receiver refuses the signature: compare its secret and clock with WEBHOOK_SECRET",
	"HTTP 404": "no receiver at this URL: check WEBHOOK_URL",
	"HTTP 410": "the receiver accepts no more messages: remove WEBHOOK_URL",
	"HTTP 413": "the receiver accepts less than 64 KB: raise its limit",
}

func (s webhookService) checkResponse(status int, header http.Header, _ []byte) *Error {
	if status >= 200 && status < 300 {
		return nil
	}
	e := statusError(status, header)
	if known, ok := webhookAdvice[e.Code]; ok {
		e.Advice = known
	}
	return e
}
