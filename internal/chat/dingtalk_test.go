package chat

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// The expected signatures are from the services' documentation and another
// implementation.
func TestSignatures(t *testing.T) {
	if got := dingtalkSignature("SECabc", "1599360473000"); got != "3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc=" {
		t.Errorf("dingtalk: got %s", got)
	}
	if got := feishuSignature("SECabc", "1599360473"); got != "KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=" {
		t.Errorf("feishu: got %s", got)
	}
	c := load(t, "dingtalk", services["dingtalk"].env)
	c.sign = dingtalkRobot{secret: "SECabc"}.sign
	req, err := c.request(t.Context(), "", nil, time.UnixMilli(1599360473000))
	if err != nil || !strings.Contains(req.URL.RawQuery, "sign=3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc%3D") || !strings.Contains(req.URL.RawQuery, "access_token="+token) {
		t.Errorf("got the query %q, %v", req.URL.RawQuery, err)
	}
}

// If DingTalk refuses the content, the channel posts it without links,
// with the same rows.
func TestDingTalkRemovesLinksFromRefusedContent(t *testing.T) {
	bodies, err := sent(t, "dingtalk", services["dingtalk"].env, badDay(12), linked, response{200, `{"errcode":430101}`}, response{200, `{"errcode":0}`})
	if err != nil || len(bodies) != 2 {
		t.Fatalf("got %v and %d bodies", err, len(bodies))
	}
	for i, want := range []bool{true, false} {
		if got := strings.Contains(bodies[i], "://") || strings.Contains(bodies[i], "]("); got != want {
			t.Errorf("form %d: has links: %t", i, got)
		}
	}
	uuid := regexp.MustCompile(`"msgUuid":"[0-9a-f-]{36}"`)
	if a, b := uuid.FindString(bodies[0]), uuid.FindString(bodies[1]); a == "" || b == "" || a == b {
		t.Errorf("got the ids %s and %s: DingTalk may take the second for a repeat", a, b)
	}
	if a, b := strings.Count(bodies[0], "cpn-"), strings.Count(bodies[1], "cpn-"); a != b || a < 12 {
		t.Errorf("%d rows, then %d", a, b)
	}
}
