package cloudphone

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"matrix-expiry-report/report"
)

// A hint is what an error code usually means to the operator.
type hint struct {
	codes string // separated by spaces; "X" also stands for what is documented as "X.Y" if it ends with ".*"
	text  string
}

const (
	roleHint   = "the role may not list matrices: attach the policy of the README"
	secretHint = "the secret does not belong to the access key"
	clockHint  = "the clock of this machine is wrong"
)

// hints is the table of hints, by exact code or documented family. A code that is
// not in it is explained by the service's message alone.
var hints = []hint{
	{"InvalidAccessKeyId InvalidAccessKeyId.NotFound", "the endpoint does not know the access key: check the function's role, and that this endpoint is of the account's site (China or international)"},
	{"InvalidAccessKeyId.Inactive", "the access key is disabled: enable it, or use another"},
	{"SignatureDoesNotMatch IncompleteSignature", secretHint},
	{"SignatureNonceUsed", "the request arrived twice: a proxy repeats requests"},
	{"InvalidTimeStamp.* IllegalTimestamp", clockHint},
	{"InvalidSecurityToken.*", "the temporary credentials of the role have expired or do not match: check the function's role"},
	{"MissingSecurityToken", "temporary credentials without their token: set ALIBABA_CLOUD_SECURITY_TOKEN too"},
	{"Forbidden Forbidden.RAM NoPermission NotAuthorized", roleHint},
	{"Throttling.*", "the account's calls are throttled"},
}

// family reports whether code is name or begins with name and a dot.
func family(name, code string) bool {
	rest, ok := strings.CutPrefix(code, name)
	return ok && (rest == "" || rest[0] == '.')
}

func hintFor(code string) string {
	for _, h := range hints {
		for name := range strings.FieldsSeq(h.codes) {
			if prefix, ok := strings.CutSuffix(name, ".*"); code == name || ok && family(prefix, code) {
				return h.text
			}
		}
	}
	return ""
}

// Explain converts err to a [report.Problem]: its code, what the code usually
// means, and the service's message on one line. MayHideMatrices is not set.
func Explain(err error) report.Problem {
	timedOut := errors.Is(err, context.DeadlineExceeded)
	e, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return report.Problem{Code: "Interrupted", Message: "the run was interrupted"}
	case !ok && timedOut:
		return report.Problem{Code: "DeadlineExceeded", Message: "the run had no time left"}
	case !ok:
		return report.Problem{Code: "ConnectionFailed", Message: oneLine(err.Error())}
	}
	p := report.Problem{Code: oneLine(e.Code), Message: cmp.Or(oneLine(e.Message), "the service gave no reason"),
		RequestID: oneLine(e.RequestID), Permission: oneLine(e.AuthAction)}
	if hint := hintFor(e.Code); hint != "" {
		p.Message = hint + " (" + p.Message + ")"
	}
	if p.Permission != "" {
		p.Message += "; missing permission: " + p.Permission
	}
	if p.RequestID != "" {
		p.Message += " (request " + p.RequestID + ")"
	}
	if timedOut {
		p.Message, p.Code = p.Code+": "+p.Message+" (no time for another attempt)", "DeadlineExceeded"
	}
	return p
}

// maxLineRunes is the maximum length of a text that oneLine returns.
const maxLineRunes = 300

// oneLine returns s without line breaks, truncated to maxLineRunes.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxLineRunes {
		s = string(r[:maxLineRunes]) + "…"
	}
	return s
}
