package chat

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// feishuBodyBytes is the limit of a body without its signature, below the 20 KB
// that Feishu accepts.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
const feishuBodyBytes = 19_500

var (
	feishuPath   = pattern(`^/open-apis/bot/v2/hook/[\w-]+$`)
	feishuToken  = pattern(`^[0-9A-Za-z-]{16,}$`)
	feishuPerson = pattern(`^ou_[0-9A-Za-z]+$`)
)

func loadFeishu(env *config.Env) Channel {
	const name, prefix = "FEISHU_WEBHOOK_URL", "https://open.feishu.cn/open-apis/bot/v2/hook/"
	// A token alone is one of Feishu. Lark bots need the URL, at
	// open.larksuite.com.
	u := webhookURL(env, name, prefix, "…", feishuToken)
	if u != nil && !feishuPath.MatchString(u.Path) {
		env.RefuseSecret(name, "the address of a custom bot; create one in the group's settings, "+prefix+"…")
		u = nil
	}
	secret := env.Secret("FEISHU_SECRET")
	return Channel{
		url:      u,
		isPerson: feishuPerson.MatchString,
		formats:  []format{feishuBody},
		sign:     func(p *posting, now time.Time) { signFeishu(p, secret, now) },
		check:    checkNumber("code", feishuErrors),
	}
}

var feishuMarkup = newMarkdown(escapeFeishu, "\n", feishuPerson.MatchString, func(id string) string { return "<at id=" + id + "></at>" })

// feishuEntities are the escapes of the characters that Feishu's Markdown acts on.
// An entity of the colon would not keep an address from becoming a link.
// https://open.feishu.cn/document/feishu-cards/card-json-v2-components/content-components/rich-text
var feishuEntities = strings.NewReplacer("*", "&#42;", "`", "&#96;", "~", "&#126;", "[", "&#91;", "]", "&#93;", "<", "&#60;", ">", "&#62;",
	"#", "&#35;", "|", "&#124;", `\`, "&#92;", "!", "&#33;", "@", "&#64;", "&", "&#38;", "$", "&#36;", "://", "：//")

var feishuStarts = pattern(`^(\d*)([-+=.)])`)

func escapeFeishu(text string, lineStart bool) string {
	start := ""
	if sign := feishuStarts().FindStringSubmatch(text); lineStart && sign != nil {
		text, start = text[len(sign[0]):], fmt.Sprintf("%s&#%d;", sign[1], sign[2][0])
	}
	return start + escapeUnderscores(feishuEntities.Replace(escapeShortcodes(text)), "&#95;")
}

var feishuColours = map[report.Severity]string{
	report.Critical: "red", report.Warning: "orange", report.Notice: "blue", "": "green",
}

func feishuBody(o outgoing) ([]byte, error) {
	return fitBody(o.draft, feishuBodyBytes, func(m message.Message) any {
		return object{"msg_type": "interactive", "card": feishuCard(m, feishuColours[tone(m, o.report)])}
	})
}

// feishuCard returns a card of schema 2.0.
// https://open.feishu.cn/document/feishu-cards/card-json-v2-structure
func feishuCard(m message.Message, colour string) object {
	var elements []object
	add := func(text string) {
		if text != "" {
			elements = append(elements, object{"tag": "markdown", "content": text})
		}
	}
	add(feishuMarkup.lines(m.Lead, "\n"))
	for _, g := range m.Groups {
		add("**" + feishuMarkup.line(g.Heading) + "**\n- " + feishuMarkup.lines(g.Rows, "\n- "))
	}
	add(feishuMarkup.lines(m.More, "\n"))
	if len(m.Foot) > 0 {
		elements = append(elements, object{"tag": "markdown", "content": feishuMarkup.lines(m.Foot, "\n"), "text_size": "notation"})
	}
	title := object{"tag": "plain_text", "content": escapeShortcodes(escapeMarkdown(m.Title, false))}
	return object{"schema": "2.0", "header": object{"title": title, "template": colour}, "body": object{"elements": elements}}
}

// signFeishu adds the signature to the body, if the bot verifies signatures.
func signFeishu(p *posting, secret config.Secret, now time.Time) {
	if secret == "" {
		return
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	signed := []byte(`{"timestamp":"` + stamp + `","sign":"` + feishuSignature(secret, stamp) + `",`)
	p.body = append(signed, bytes.TrimPrefix(p.body, []byte("{"))...)
}

// feishuSignature returns the signature: the HMAC of an empty message, whose key
// is the time in seconds and the secret.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
func feishuSignature(secret config.Secret, stamp string) string {
	return signature(stamp+"\n"+secret.Reveal(), "")
}

var feishuErrors = errorTable{
	"9499":  {Advice: "Feishu could not parse the message: check that the URL is that of a custom bot"},
	"11232": {Advice: "Feishu is busy, as it often is at :00 and :30: schedule the run for another minute", Temporary: true},
	"19001": {Advice: "the bot does not exist: create a new one and set its URL"},
	"19021": {Advice: "wrong signature or clock: set FEISHU_SECRET to the secret in the bot's security settings"},
	"19022": {Advice: "the bot has an IP allowlist: use a signature instead, as a function's address changes"},
	"19024": {Advice: "the bot requires a keyword: set the keywords matrix, matrices and 矩阵, or use a signature instead"},
}
