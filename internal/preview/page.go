package preview

import (
	"fmt"
	"html"
	"strings"
)

// Page returns the messages as one HTML page. With a fragment such as #slack-en
// it shows that message only.
func Page(messages []Message) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Messages</title><style>" + style + "</style>\n<h1>Messages as the chats show them</h1>\n")
	service := ""
	for _, m := range messages {
		if m.Service != service {
			if service != "" {
				b.WriteString("</div>\n")
			}
			service = m.Service
			fmt.Fprintf(&b, "<h2>%s</h2>\n<div class=\"pair\">\n", html.EscapeString(service))
		}
		draw, ok := drawings[m.Service]
		if !ok {
			draw = drawJSON
		}
		fmt.Fprintf(&b, "<article id=\"%s-%s\" lang=\"%s\"><div class=\"push\">%s</div>\n%s</article>\n",
			html.EscapeString(m.Service), html.EscapeString(m.Language), html.EscapeString(m.Language), html.EscapeString(m.Title), draw(m.Body))
	}
	if service != "" {
		b.WriteString("</div>\n")
	}
	b.WriteString("</html>\n")
	return b.String()
}

const style = `
:root { color-scheme: light dark; --page: #f4f4f6; --chat: #fff; --ink: #1d1c1d; --soft: #6b6b70; --line: #e1e1e6; --link: #1264a3; --code: #f2f0f0 }
@media (prefers-color-scheme: dark) { :root { --page: #131416; --chat: #1f2124; --ink: #e6e6e8; --soft: #9b9ba1; --line: #34363a; --link: #6db3f2; --code: #2b2d31 } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Noto Color Emoji", sans-serif }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 2rem 0 .5rem; color: var(--soft); text-transform: capitalize }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; align-items: start }
article { background: var(--chat); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1.1rem; overflow-wrap: anywhere }
article .push { color: var(--soft); font-size: .8rem; border-bottom: 1px solid var(--line); padding-bottom: .4rem; margin-bottom: .6rem }
article h3 { margin: .2rem 0 .5rem; font-size: 1.1rem; line-height: 1.35 } p { margin: .4rem 0 } ul { margin: .2rem 0 .6rem; padding-left: 1.3rem } li { margin: .15rem 0 }
a { color: var(--link); text-decoration: none } code { background: var(--code); border-radius: 4px; padding: 0 .25em; font-size: .85em; white-space: nowrap }
.small, blockquote { color: var(--soft); font-size: .85rem } blockquote { margin: .5rem 0; padding-left: .7rem; border-left: 3px solid var(--line) }
pre { font-size: .75rem; overflow: auto; max-height: 24rem } .band { margin: -.8rem -1.1rem .6rem; padding: .6rem 1.1rem; border-radius: 10px 10px 0 0; color: #fff; font-weight: 600 }
body:has(:target) > :not(:has(:target)), body:has(:target) article:not(:target), body:has(:target) .push { display: none }
.red { background: #d83931 } .orange { background: #de7802 } .blue { background: #245bdb } .green { background: #2ea121 }
`
