package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// webhookBodyBytes is what any receiver can be expected to take: 64 KB, with
// some room for what counts differently.
const webhookBodyBytes = 64_000

// A webhookService posts the report itself to somebody's own program, signed
// as the Standard Webhooks convention has it.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type webhookService struct {
	webhook *url.URL
	key     []byte // empty for no signatures
}

func loadWebhook(env *config.Env) service {
	secret := env.Secret("WEBHOOK_SECRET").Reveal()
	s := webhookService{webhook: env.SecretURL("WEBHOOK_URL", "https://host/path"), key: []byte(secret)}
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if s.key, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(s.key) == 0 {
			env.RefuseSecret("WEBHOOK_SECRET", "whsec_ and a key in base64, or any other text")
			return nil
		}
	}
	if s.webhook == nil {
		return nil
	}
	return s
}

// A receiver knows a repeat by webhook-id.
func (s webhookService) idempotent() bool { return true }

func (s webhookService) host() *url.URL { return hostOf(s.webhook) }

type webhookBody struct {
	Type            string        `json:"type"`
	ID              string        `json:"id"`
	Title           string        `json:"title"`
	Omitted         int           `json:"findings_omitted,omitempty"` // left out of the report, the least urgent first
	OmittedProblems int           `json:"problems_omitted,omitempty"`
	Report          report.Report `json:"report"`
}

// webhookProblems is as many problems as a report has room for beside its
// findings.
const webhookProblems = 25

func (s webhookService) bodies(l letter) ([][]byte, error) {
	m, err := l.draft.Fit(func(m message.Message) bool { return len(m.Groups) == 0 }) // only its title is wanted
	if err != nil {
		return nil, err
	}
	b := webhookBody{Type: "matrix.report", ID: l.id, Title: cut(m.Title, maxTitleChars), Omitted: len(l.report.Findings), Report: l.report}
	switch {
	case l.options.Test:
		b.Type = "matrix.test"
	case l.options.Undelivered: // the report itself was posted before
		b.Type, b.Omitted, l.report.Findings = "matrix.undelivered", 0, nil
	}
	b.Report.Findings = []report.Finding{}
	if b.OmittedProblems = max(0, len(l.report.Problems)-webhookProblems); b.OmittedProblems > 0 {
		b.Report.Problems = l.report.Problems[:webhookProblems:webhookProblems]
	}
	empty, err := encode(b)
	if err != nil {
		return nil, err
	}
	size, keep := len(empty), 0
	for _, f := range l.report.Findings {
		one, err := encode(f)
		if err != nil {
			return nil, err
		}
		if size += len(one) + len(","); size > webhookBodyBytes {
			break
		}
		keep++
	}
	b.Report.Findings = l.report.Findings[:keep:keep]
	if keep == 0 {
		b.Report.Findings = []report.Finding{}
	}
	b.Omitted -= keep
	body, err := encode(b)
	return [][]byte{body}, err
}

func (s webhookService) request(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.webhook.String(), bytes.NewReader(body))
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

// webhookAdvice is by HTTP status.
var webhookAdvice = advice{
	"HTTP 400": "the receiver could not read the report: look at its log",
	"HTTP 401": "the receiver refuses the signature: compare its secret and clock with WEBHOOK_SECRET",
	"HTTP 403": "the receiver refuses the signature: compare its secret and clock with WEBHOOK_SECRET",
	"HTTP 404": "there is no receiver at this address: check WEBHOOK_URL",
	"HTTP 410": "the receiver wants no more messages: remove WEBHOOK_URL",
	"HTTP 413": "the receiver takes less than 64 KB: raise its limit",
}

func (s webhookService) verdict(status int, header http.Header, _ []byte) *Error {
	if status >= 200 && status < 300 {
		return nil
	}
	e := statusError(status, header)
	if known, ok := webhookAdvice[e.Code]; ok {
		e.Advice = known
	}
	return e
}
