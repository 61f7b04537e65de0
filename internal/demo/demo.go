// Package demo runs the emulated Cloud Phone API and chat services on loopback
// addresses, so that the program can be tried without an account or a network.
package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// Services are the emulated services: an API with a fleet of matrices, and chats
// that keep the messages posted to them.
type Services struct {
	cloud             *fakecloud.Server
	chat              *fakechat.Server
	cloudURL, chatURL string
}

// Start starts the services. They stop when ctx is done.
func Start(ctx context.Context) (*Services, error) {
	s := &Services{
		cloud: &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())},
		chat:  &fakechat.Server{DingTalkSecret: "SECdemo"},
	}
	var err error
	if s.cloudURL, err = Serve(ctx, s.cloud); err != nil {
		return nil, err
	}
	s.chatURL, err = Serve(ctx, s.chat)
	return s, err
}

// Serve serves an emulated service on a free loopback port until ctx is done.
func Serve(ctx context.Context, h http.Handler) (baseURL string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("starting the emulator: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(l)
	return "http://" + l.Addr().String(), nil
}

// kept are the settings that a demo takes from the environment. None of them is
// the address of a service or a secret, so a demo reaches no real service.
var kept = []string{
	"EXPIRY_DAYS", "CRITICAL_DAYS", "WARNING_DAYS", "STUCK_AFTER", "REGIONS", "TIME_ZONE", "REPORT_LANGUAGE", "CONSOLE_URL", "REPORT_URL",
}

// Getenv returns a function like getenv whose settings use the emulated services.
func (s *Services) Getenv(getenv func(string) string) func(string) string {
	webhooks := fakechat.Webhooks(s.chatURL)
	env := map[string]string{
		"EDS_AIC_ENDPOINT":     s.cloudURL,
		"SLACK_WEBHOOK_URL":    webhooks["SLACK_WEBHOOK_URL"],
		"DINGTALK_WEBHOOK_URL": webhooks["DINGTALK_WEBHOOK_URL"],
		"DINGTALK_SECRET":      s.chat.DingTalkSecret,
	}
	return func(name string) string {
		if slices.Contains(kept, name) {
			return getenv(name)
		}
		return env[name]
	}
}

// Credentials returns credentials that the emulated API accepts.
func (s *Services) Credentials(context.Context) (cloudphone.Credentials, error) {
	return cloudphone.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}, nil
}

// WriteMessages writes the messages that were posted, as the chats received
// them, and a last line with the number of calls, listed matrices and messages.
func (s *Services) WriteMessages(w io.Writer, listed int) error {
	messages := s.chat.Messages()
	for _, m := range messages {
		fmt.Fprint(w, FormatMessage("as posted to "+m.Service, m))
	}
	_, err := fmt.Fprintf(w, "\n%d signed API calls, %d matrices, %d messages, all on loopback.\n", len(s.cloud.Calls()), listed, len(messages))
	return err
}

// FormatMessage returns a message as an emulated chat received it, below a title.
func FormatMessage(title string, m fakechat.Message) string {
	title = "── " + title + " "
	return fmt.Sprintf("\n%s%s\npush preview: %s\n\n%s\n", title, strings.Repeat("─", max(0, 72-len([]rune(title)))), m.Title, strings.TrimSpace(m.Text))
}
