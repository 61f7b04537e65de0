// Package demo shows the whole program at work without an account or a
// network: the emulated Cloud Phone API and chat room on loopback, and the
// real client, rules and channels against them.
package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// key is the one that an emulated cloud knows unless told otherwise.
var key = cloudphone.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}

// kept are the settings of the environment that a demo follows. Addresses and
// secrets are never among them: a demo reaches nobody.
var kept = []string{
	"EXPIRY_DAYS", "CRITICAL_DAYS", "WARNING_DAYS", "STUCK_AFTER", "REGIONS", "TIME_ZONE", "REPORT_LANGUAGE", "CONSOLE_URL", "REPORT_URL",
}

// Run starts the emulator, wires the program to it, posts one report, prints
// it and shows the messages as the chat room got them.
func Run(ctx context.Context, getenv func(string) string, out io.Writer,
	wire func(getenv func(string) string, key cloudphone.Credentials) (*handler.Handler, error),
	print func(report.Report, config.Settings) error,
) error {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}
	api, err := serve(ctx, cloud)
	if err != nil {
		return err
	}
	room := &fakechat.Server{DingTalkSecret: "SECdemo"}
	chat, err := serve(ctx, room)
	if err != nil {
		return err
	}
	webhooks := fakechat.Webhooks(chat)
	env := map[string]string{
		"EDS_AIC_ENDPOINT":     api,
		"SLACK_WEBHOOK_URL":    webhooks["SLACK_WEBHOOK_URL"],
		"DINGTALK_WEBHOOK_URL": webhooks["DINGTALK_WEBHOOK_URL"],
		"DINGTALK_SECRET":      room.DingTalkSecret,
	}
	h, err := wire(func(name string) string {
		if slices.Contains(kept, name) {
			return getenv(name)
		}
		return env[name]
	}, key)
	if err != nil {
		return err
	}
	r, err := h.Post(ctx, "demo "+time.Now().Format(time.RFC3339Nano))
	if err != nil {
		return err
	}
	if err := print(r, h.Settings); err != nil {
		return err
	}
	for _, m := range room.Messages() {
		title := fmt.Sprintf("── as posted to %s ", m.Service)
		fmt.Fprintf(out, "\n%s%s\npush preview: %s\n\n%s\n", title, strings.Repeat("─", max(0, 72-len([]rune(title)))), m.Title, strings.TrimSpace(m.Text))
	}
	fmt.Fprintf(out, "\n%d signed API calls, %d matrices, %d messages, all on loopback.\n", len(cloud.Calls()), r.Listed, len(room.Messages()))
	return nil
}

// serve answers on a free port of loopback until ctx ends.
func serve(ctx context.Context, h http.Handler) (address string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("starting the demo: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(l)
	return "http://" + l.Addr().String(), nil
}

// Report is the demo fleet's report, for those who want no more than that.
func Report(ctx context.Context, rules report.Rules, zone *time.Location) (report.Report, error) {
	api, err := serve(ctx, &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
	if err != nil {
		return report.Report{}, err
	}
	endpoint, err := url.Parse(api)
	if err != nil {
		return report.Report{}, err
	}
	source := cloudphone.Source{
		Endpoints: []*url.URL{endpoint}, Zone: zone, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: 4,
		Credentials: func(context.Context) (cloudphone.Credentials, error) { return key, nil },
	}
	return report.Build(rules, source.List(ctx, nil, nil), time.Now()), nil
}
