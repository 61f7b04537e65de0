package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"matrix-expiry-report/internal/demo"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// ready is what the emulator prints: its address, and lines to paste that call
// it. Its arguments are the host with the port, the access key id, the secret,
// the number of matrices, this program, and the webhooks of Slack and DingTalk.
const ready = `emulated Cloud Phone API with %[4]d matrices, and emulated chats: http://%[1]s

Settings, for a file such as try.env:
  EDS_AIC_ENDPOINT=http://%[1]s
  ALIBABA_CLOUD_ACCESS_KEY_ID=%[2]s
  ALIBABA_CLOUD_ACCESS_KEY_SECRET=%[3]s
  SLACK_WEBHOOK_URL=%[6]s
  DINGTALK_WEBHOOK_URL=%[7]s

This program:
  EDS_AIC_ENDPOINT=http://%[1]s ALIBABA_CLOUD_ACCESS_KEY_ID=%[2]s ALIBABA_CLOUD_ACCESS_KEY_SECRET=%[3]s %[5]s report

The aliyun command line:
  aliyun eds-aic DescribeCloudPhoneNodes --endpoint %[1]s --insecure --version 2023-09-30 --force --region cn-shanghai --mode AK --access-key-id %[2]s --access-key-secret %[3]s --MaxResults 3

Node, after npm install @alicloud/pop-core:
  node -e "new (require('@alicloud/pop-core').RPCClient)({endpoint: 'http://%[1]s', apiVersion: '2023-09-30', accessKeyId: '%[2]s', accessKeySecret: '%[3]s'}).request('DescribeCloudPhoneNodes', {MaxResults: 3}).then(console.log)"

Go, with openapi, tea and dara from github.com/alibabacloud-go (darabonba-openapi/v2/client, tea/tea, tea/dara):
  client, err := openapi.NewClient(&openapi.Config{Endpoint: tea.String("%[1]s"), Protocol: tea.String("http"), AccessKeyId: tea.String("%[2]s"), AccessKeySecret: tea.String("%[3]s")})
  response, err := client.CallApi(&openapi.Params{Action: tea.String("DescribeCloudPhoneNodes"), Version: tea.String("2023-09-30"), Pathname: tea.String("/"), Method: tea.String("GET"), AuthType: tea.String("AK"), Style: tea.String("RPC"), Protocol: tea.String("http"), ReqBodyType: tea.String("formData"), BodyType: tea.String("json")}, &openapi.OpenApiRequest{}, &dara.RuntimeOptions{})
`

// emulator serves an emulated Cloud Phone API and emulated chats until it is
// interrupted, and prints the messages that the chats accept.
func (p Program) emulator(flags *flag.FlagSet) action {
	listen := flags.String("listen", "127.0.0.1:8080", "listen on `ADDRESS`")
	id := flags.String("key-id", "emulator", "accept the access key `ID`")
	secret := flags.String("key-secret", "emulator-secret", "`SECRET` of that access key")
	return func(ctx context.Context, _ string) error { return p.emulate(ctx, *listen, *id, *secret) }
}

func (p Program) emulate(ctx context.Context, listen, id, secret string) error {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{id: {Secret: secret}}}
	mux := http.NewServeMux()
	mux.Handle("/{$}", cloud)
	mux.Handle("/", &printingChat{out: plainWriter{p.Stdout}})
	return serveHTTP(ctx, listen, mux, func(address string) {
		webhooks := fakechat.Webhooks("http://" + address)
		fmt.Fprintf(p.Stdout, ready, address, id, secret, len(cloud.Nodes), os.Args[0],
			webhooks["SLACK_WEBHOOK_URL"], webhooks["DINGTALK_WEBHOOK_URL"])
	})
}

// A printingChat emulates the chats and prints each message that they accept.
type printingChat struct {
	fakechat.Server
	out io.Writer

	mu   sync.Mutex
	seen int // messages
}

func (c *printingChat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.Server.ServeHTTP(w, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.Messages()[c.seen:] {
		c.seen++
		if m.Accepted {
			fmt.Fprint(c.out, demo.FormatMessage("as posted to "+m.Service, m))
		}
	}
}
