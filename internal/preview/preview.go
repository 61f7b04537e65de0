// Package preview shows the message of every channel without sending it to a real
// chat: it posts a report through the channels to emulated chats, and returns what
// they received as text, or as one HTML page that looks like the chats.
//
// To add a service, add its part to templates/preview.html.
package preview

import (
	"context"
	"strings"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/demo"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Message is a message that an emulated chat (internal/emulator/chat) received,
// and its language.
type Message struct {
	fakechat.Message
	Language string
}

// Messages returns the messages about r of every channel in every language.
func Messages(ctx context.Context, r report.Report, o message.Options) ([]Message, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	room := &fakechat.Server{}
	roomURL, err := demo.Serve(ctx, room)
	if err != nil {
		return nil, err
	}
	webhooks := fakechat.Webhooks(roomURL)
	env := config.NewEnv(func(name string) string { return webhooks[name] })
	channels := chat.Load(env)
	if err := env.Err(); err != nil {
		return nil, err
	}
	var out []Message
	for _, c := range channels {
		for _, lang := range locale.Languages() {
			o.Language = lang
			before := len(room.Messages())
			if err := c.Send(ctx, r, o, "preview "+lang); err != nil {
				return nil, err
			}
			for _, m := range room.Messages()[before:] {
				out = append(out, Message{m, lang})
			}
		}
	}
	return out, nil
}

// Text returns the messages for a terminal.
func Text(messages []Message) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(demo.FormatMessage(m.Service+", "+m.Language, m.Message))
	}
	return b.String()
}
