// Command matrix-expiry-report tells people which of their Alibaba Cloud Phone
// matrices failed, have expired or expire soon.
//
// Function Compute starts it without arguments; by hand it takes a command,
// see help. This file is the doorway: it reads the settings, puts the parts
// together and turns outcomes into exit codes. A new command is a line in
// commands.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
	"golang.org/x/term"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/demo"
	"matrix-expiry-report/internal/doctor"
	"matrix-expiry-report/internal/emulator"
	"matrix-expiry-report/internal/preview"
	"matrix-expiry-report/internal/trigger"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

func main() {
	os.Exit(exitCode(os.Stderr, run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr)))
}

// Outcomes that have exit codes of their own.
var (
	errAttention = errors.New("something needs attention") // the report has said what
	errUsage     = errors.New("wrong usage")               // and wrong settings
)

// errTold is an error that standard output has told.
type errTold struct{ error }

func (e errTold) Unwrap() error { return e.error }

// exitCode tells err, unless it was told already, and what to exit with: 0 all
// well, 3 something needs attention, 2 wrong usage or settings, 1 could not.
func exitCode(stderr io.Writer, err error) int {
	_, told := errors.AsType[errTold](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errAttention):
		return 3
	case told && errors.Is(err, errUsage):
		return 2
	case told:
		return 1
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, strings.TrimPrefix(err.Error(), errUsage.Error()+"\n"))
		return 2
	}
	fmt.Fprintln(stderr, "matrix-expiry-report:", err)
	return 1
}

// A program is what every command works with.
type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
}

// commands by name; help lists them by hand.
var commands = map[string]func(program, context.Context, []string) error{
	"demo":     program.demo,
	"doctor":   program.doctor,
	"invoke":   program.invoke,
	"report":   program.report,
	"preview":  program.preview,
	"serve":    program.serve,
	"emulator": program.emulator,
	"version":  program.version,
}

const help = `Tells which Cloud Phone matrices failed, have expired or expire soon.

  matrix-expiry-report demo       see it all work, without an account or a network
  matrix-expiry-report report     look at the account: print the report
      --post                      and post it to the channels that are set up
      --json                      as JSON
  matrix-expiry-report preview    see the message of every channel, in every language
      --report FILE               of a report as JSON (else of a made-up fleet)
      --html FILE                 as a page that looks like the chats
  matrix-expiry-report doctor     look at settings, key, endpoints, clocks, chats and zones
      --post-test                 and send a message that says that it is a test
      --json                      as JSON
  matrix-expiry-report invoke URL call the deployed HTTP trigger, signed with your key
      --method POST  --data '{"days":7}'
  matrix-expiry-report serve      answer HTTP as the function's trigger does
      --listen 127.0.0.1:9000
  matrix-expiry-report emulator   serve an emulated Cloud Phone API for any official client
      --listen 127.0.0.1:8080  --key-id emulator  --key-secret emulator-secret
  matrix-expiry-report version

Without a command it is the function itself and wants Function Compute around it.
Settings are environment variables: see the README. The access key comes from the
function's role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or a profile of the
aliyun command line.

Exit codes: 0 all well, 3 something needs attention, 2 wrong usage or settings,
1 could not. A demo ends with 0.
`

// run is the program; everything outside of it is an argument.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	p := program{getenv, stdout, stderr}
	switch {
	case len(args) > 0 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		_, err := io.WriteString(stdout, help)
		return err
	case len(args) > 0:
		command, ok := commands[args[0]]
		if !ok {
			return fmt.Errorf("%w\nthere is no command %q: demo, report, preview, doctor, invoke, serve, emulator, version or help", errUsage, args[0])
		}
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		return command(p, ctx, args[1:])
	case getenv("FC_RUNTIME_API") == "":
		return fmt.Errorf("%w\n%s", errUsage, strings.TrimSuffix(help, "\n"))
	}
	return p.function()
}

// parts are what the settings make. What has a mistake is as if it were not
// set.
type parts struct {
	settings config.Settings
	channels []*chat.Channel
	commands []*chat.Command
	source   *cloudphone.Source
	warnings []string
	mistakes error
}

func load(getenv func(string) string, credentials func(context.Context) (cloudphone.Credentials, error), progress func(int)) parts {
	env := config.NewEnv(getenv)
	p := parts{settings: config.Load(env), channels: chat.Load(env), commands: chat.LoadCommands(env)}
	p.warnings, p.mistakes = env.Warnings(), env.Err()
	p.source = &cloudphone.Source{
		Endpoints: p.settings.Endpoints, Zone: p.settings.APIZone,
		Credentials: credentials, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: p.settings.MaxInFlight, Progress: progress,
	}
	return p
}

// check gives every mistake of the settings at once. Only what posts needs a
// channel.
func (p parts) check(posts bool) error {
	switch {
	case p.mistakes != nil:
		return wrongSettings{p.mistakes}
	case posts && len(p.channels) == 0:
		return wrongSettings{errors.New("no channel is set up: set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook of the README")}
	}
	return nil
}

func (p parts) handler(log logTo) *handler.Handler {
	h := &handler.Handler{
		Settings: p.settings, Source: p.source, Log: log(p.settings.LogLevel), Now: time.Now,
		Doctor: func(ctx context.Context, post bool) ([]byte, error) {
			return json.Marshal(p.patient().Examine(ctx, post))
		},
	}
	for _, c := range p.channels {
		h.Channels = append(h.Channels, c)
	}
	for _, c := range p.commands {
		h.Commands = append(h.Commands, c)
	}
	for _, w := range p.warnings {
		h.Log.Warn("setting", "warning", w)
	}
	return h
}

func (p parts) patient() doctor.Patient {
	return doctor.Patient{Settings: p.settings, Mistakes: p.mistakes, Warnings: p.warnings, Source: p.source, Channels: p.channels, Commands: len(p.commands), Now: time.Now}
}

// logTo makes a log that begins at a level.
type logTo func(slog.Level) *slog.Logger

func noLog(slog.Level) *slog.Logger { return slog.New(slog.DiscardHandler) }

// wrongSettings are the mistakes of the settings, a line each. As a source it
// lists nothing and says why: whoever reads the chats is to know, as nobody
// reads the log of a function that was always well.
type wrongSettings struct{ mistakes error }

func (w wrongSettings) Error() string {
	return "matrix-expiry-report: the settings need mending\n  " + strings.ReplaceAll(w.mistakes.Error(), "\n", "\n  ")
}

func (w wrongSettings) Is(target error) bool { return target == errUsage }

func (w wrongSettings) List(context.Context, []string, func(*report.Matrix) report.Fate) (l report.Listing) {
	for mistake := range strings.Lines(w.mistakes.Error()) {
		l.Problems = append(l.Problems, report.Problem{Code: "InvalidSettings", Message: strings.TrimSpace(mistake), MayHide: true})
	}
	return l
}

// credentials are the invocation's own, else those of the default chain. They
// are asked for in every run: the function's are renewed while it lives.
func credentials(ctx context.Context) (cloudphone.Credentials, error) {
	if f, ok := fccontext.FromContext(ctx); ok && f.Credentials.AccessKeyId != "" {
		return cloudphone.Credentials{
			AccessKeyID:     f.Credentials.AccessKeyId,
			AccessKeySecret: config.Secret(f.Credentials.AccessKeySecret),
			SecurityToken:   config.Secret(f.Credentials.SecurityToken),
			From:            "the function's role",
		}, nil
	}
	return cloudphone.DefaultCredentials(ctx)
}

// memoryShare is how much of an instance's memory the garbage collector lets
// the program have before it works harder: the rest is for the program itself,
// the platform and what is read at the time.
const memoryShare = 0.25

// boundMemory tells the garbage collector how large the instance is, unless
// GOMEMLIMIT has.
// https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/user-guide/environment-variables
func boundMemory(getenv func(string) string) {
	mb, err := strconv.Atoi(getenv("FC_FUNCTION_MEMORY_SIZE"))
	if err != nil || mb < 128 {
		mb = 128 // the smallest there is
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(float64(mb<<20) * memoryShare))
	}
}

// function serves Function Compute until the process is ended.
func (p program) function() error {
	boundMemory(p.getenv)
	parts := load(p.getenv, credentials, nil)
	err := parts.check(false)
	wrong, ok := errors.AsType[wrongSettings](err)
	if ok && len(parts.channels) == 0 {
		return err
	}
	h := parts.handler(func(level slog.Level) *slog.Logger {
		return slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: level}))
	})
	if ok {
		h.Log.Error("nothing is listed until the settings are mended", "mistakes", wrong.mistakes.Error())
		h.Source = wrong
	}
	// Start, because StartHandler of SDK v0.3.1 takes no handler but a function;
	// []byte and RawMessage, because those alone pass through as they are.
	fc.Start(func(ctx context.Context, event []byte) (json.RawMessage, error) { return h.Invoke(ctx, event) }) // never returns
	return nil
}

func (p program) report(ctx context.Context, args []string) error {
	flags := p.flags("report")
	post := flags.Bool("post", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := parse(flags, args); err != nil {
		return err
	}
	progress, done := p.progress()
	parts := load(p.getenv, credentials, progress)
	err := parts.check(*post)
	if err != nil {
		return err
	}
	h := parts.handler(noLog)
	var r report.Report
	if *post {
		r, err = h.Post(ctx, "report "+time.Now().UTC().Format(time.RFC3339Nano))
	} else {
		r = h.Look(ctx)
	}
	done()
	if err := p.print(r, h.Settings, *asJSON); err != nil {
		return err
	}
	for _, d := range r.Deliveries {
		if d.Delivered {
			fmt.Fprintln(p.stderr, "posted to", d.Channel)
		} else if !errors.Is(err, handler.ErrNobody) { // which has said so
			err = errors.Join(err, fmt.Errorf("not posted to %s", d.Error))
		}
	}
	switch {
	case err != nil:
		return err
	case r.Failed():
		return errors.New("the matrices could not be listed")
	case len(r.Findings) > 0 || !r.Complete:
		return errAttention
	}
	return nil
}

func (p program) print(r report.Report, s config.Settings, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return templates.Text(p.stdout, r, handler.Options(s), p.colour())
}

func (p program) preview(ctx context.Context, args []string) error {
	flags := p.flags("preview")
	from := flags.String("report", "", "")
	page := flags.String("html", "", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	env := config.NewEnv(p.getenv)
	settings := config.Load(env)
	if err := env.Err(); err != nil {
		return wrongSettings{err}
	}
	var r report.Report
	var err error
	if *from == "" {
		r, err = demo.Report(ctx, settings.Rules, settings.APIZone)
	} else {
		r, err = readReport(*from)
	}
	if err != nil {
		return err
	}
	messages, err := preview.Messages(ctx, r, handler.Options(settings))
	if err != nil {
		return err
	}
	if *page != "" {
		return os.WriteFile(*page, []byte(preview.Page(messages)), 0o644)
	}
	_, err = io.WriteString(p.stdout, preview.Text(messages))
	return err
}

func readReport(file string) (r report.Report, err error) {
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading the report: %w", err)
	}
	return r, nil
}

func (p program) serve(ctx context.Context, args []string) error {
	flags := p.flags("serve")
	listen := flags.String("listen", "127.0.0.1:9000", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	parts := load(p.getenv, credentials, nil)
	if err := parts.check(false); err != nil {
		return err
	}
	h := parts.handler(func(level slog.Level) *slog.Logger {
		return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
	})
	return serveHTTP(ctx, *listen, h, func(address string) {
		fmt.Fprintf(p.stdout, "http://%s/report\n", address)
	})
}

func (p program) doctor(ctx context.Context, args []string) error {
	flags := p.flags("doctor")
	post := flags.Bool("post-test", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := parse(flags, args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	parts := load(p.getenv, credentials, nil)
	checks := parts.patient().Examine(ctx, *post)
	var err error
	if *asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(checks)
	} else {
		err = doctor.Print(p.stdout, checks)
	}
	switch worst := doctor.Worst(checks); {
	case err != nil:
		return err
	case parts.mistakes != nil:
		return errTold{errUsage}
	case worst == doctor.Fail:
		return errTold{errors.New("something is wrong")}
	case worst == doctor.Warn:
		return errAttention
	}
	return nil
}

// invoke calls the deployed function as its HTTP trigger wants it with
// authType: function. The answer goes to standard output as it is.
func (p program) invoke(ctx context.Context, args []string) error {
	flags := p.flags("invoke")
	method := flags.String("method", "", "")
	data := flags.String("data", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		return fmt.Errorf("%w\ninvoke wants the address of the HTTP trigger, such as https://….cn-shanghai.fcapp.run/report; see --help", errUsage)
	}
	address := flags.Arg(0)
	if err := parse(flags, flags.Args()[1:]); err != nil { // flags may stand behind it, too
		return err
	}
	if *method == "" {
		*method = map[bool]string{true: http.MethodPost, false: http.MethodGet}[*data != ""]
	}
	key, err := credentials(ctx)
	if err != nil {
		return err
	}
	status, body, err := trigger.Call(ctx, *method, address, []byte(*data), key)
	if err != nil {
		return err
	}
	if _, err := p.stdout.Write(body); err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("the function answered HTTP %d", status)
	}
	return nil
}

func (p program) emulator(ctx context.Context, args []string) error {
	flags := p.flags("emulator")
	listen := flags.String("listen", "127.0.0.1:8080", "")
	id := flags.String("key-id", "emulator", "")
	secret := flags.String("key-secret", "emulator-secret", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	cloud := &emulator.Cloud{Nodes: emulator.Fleet(time.Now()), Keys: map[string]emulator.Key{*id: {Secret: *secret}}}
	return serveHTTP(ctx, *listen, cloud, func(address string) {
		fmt.Fprintf(p.stdout, "the emulated Cloud Phone API, %d matrices: http://%s\n", len(cloud.Nodes), address)
	})
}

// serveHTTP serves until ctx ends; ready is told the address in use.
func serveHTTP(ctx context.Context, listen string, h http.Handler, ready func(address string)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	context.AfterFunc(ctx, func() { server.Close() })
	ready(l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", listen, err)
	}
	return nil
}

func (p program) demo(ctx context.Context, args []string) error {
	if err := parse(p.flags("demo"), args); err != nil {
		return err
	}
	progress, done := p.progress()
	return demo.Run(ctx, p.getenv, p.stdout, func(getenv func(string) string, key cloudphone.Credentials) (*handler.Handler, error) {
		static := func(context.Context) (cloudphone.Credentials, error) { return key, nil }
		parts := load(getenv, static, progress)
		return parts.handler(noLog), parts.check(true)
	}, func(r report.Report, s config.Settings) error {
		done()
		return p.print(r, s, false)
	})
}

// version at link time: -ldflags "-X main.version=1.2.3".
var version string

func (p program) version(_ context.Context, args []string) error {
	if err := parse(p.flags("version"), args); err != nil {
		return err
	}
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	_, err := fmt.Fprintln(p.stdout, v)
	return err
}

// flags makes a set that says nothing itself: help is written by hand, and
// mistakes are told by exitCode.
func (p program) flags(command string) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() { _, _ = io.WriteString(p.stdout, help) }
	return f
}

func parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w\n%s: %w; see --help", errUsage, f.Name(), err)
	case f.NArg() > 0:
		return fmt.Errorf("%w\n%s takes no %q; see --help", errUsage, f.Name(), f.Arg(0))
	}
	return nil
}

// colour tells whether standard output is a terminal that wants colours:
// https://no-color.org
func (p program) colour() bool {
	return isTerminal(p.stdout) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}

// progress shows how far a listing is, on a terminal only; done wipes it away.
func (p program) progress() (show func(listed int), done func()) {
	if !isTerminal(p.stderr) {
		return nil, func() {}
	}
	return func(listed int) { fmt.Fprintf(p.stderr, "\rlisted %d matrices …", listed) },
		func() { fmt.Fprint(p.stderr, "\r\x1b[K") }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
