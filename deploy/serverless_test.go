package deploy

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/config"
)

// knownSettings returns the environment variables that the program reads.
func knownSettings() []string {
	env := config.NewEnv(func(string) string { return "" })
	config.Load(env)
	chat.Load(env)
	chat.LoadCommands(env)
	return env.Names()
}

// serverless is the part of s.yaml that the tests check.
type serverless struct {
	Edition   string
	Name      string
	Access    string
	Vars      map[string]string
	Resources map[string]struct {
		Component string
		Actions   map[string][]struct{ Run, Path string }
		Props     struct {
			Region               string
			FunctionName         string `yaml:"functionName"`
			Description          string
			Runtime              string
			Handler              string
			Code                 string
			CPU                  float64 `yaml:"cpu"`
			MemorySize           int     `yaml:"memorySize"`
			DiskSize             int     `yaml:"diskSize"`
			Timeout              int
			InstanceConcurrency  int  `yaml:"instanceConcurrency"`
			InternetAccess       bool `yaml:"internetAccess"`
			Role                 string
			LogConfig            any               `yaml:"logConfig"`
			EnvironmentVariables map[string]string `yaml:"environmentVariables"`
			AsyncInvokeConfig    struct {
				MaxAsyncRetryAttempts     int `yaml:"maxAsyncRetryAttempts"`
				MaxAsyncEventAgeInSeconds int `yaml:"maxAsyncEventAgeInSeconds"`
				DestinationConfig         struct {
					OnFailure struct{ Destination string } `yaml:"onFailure"`
				} `yaml:"destinationConfig"`
			} `yaml:"asyncInvokeConfig"`
			VpcConfig struct {
				VpcID           string   `yaml:"vpcId"`
				VSwitchIDs      []string `yaml:"vSwitchIds"`
				SecurityGroupID string   `yaml:"securityGroupId"`
			} `yaml:"vpcConfig"`
			CustomDomain struct {
				DomainName string `yaml:"domainName"`
				Protocol   string
				Route      struct{ Path, Qualifier string }
			} `yaml:"customDomain"`
			Triggers []struct {
				TriggerName   string `yaml:"triggerName"`
				TriggerType   string `yaml:"triggerType"`
				Description   string
				Qualifier     string
				TriggerConfig map[string]any `yaml:"triggerConfig"`
			}
		}
	}
}

var fromEnv = regexp.MustCompile(`\$\{env\('([A-Z_]+)'(?:, ?'([^']*)')?\)\}`)

// readServerless parses s.yaml as Serverless Devs does with the environment env.
// A variable without a default fails the test.
func readServerless(t *testing.T, env map[string]string) serverless {
	t.Helper()
	raw, err := os.ReadFile("../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parseServerless(t, string(raw), env)
}

// parseServerless parses a text of s.yaml.
func parseServerless(t *testing.T, raw string, env map[string]string) (s serverless) {
	t.Helper()
	text := substitute(t, raw, env)
	if err := yaml.UnmarshalWithOptions([]byte(text), &s, yaml.Strict()); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return s
}

// substitute returns a text of s.yaml with its variables replaced.
func substitute(t *testing.T, raw string, env map[string]string) string {
	t.Helper()
	return fromEnv.ReplaceAllStringFunc(raw, func(s string) string {
		m := fromEnv.FindStringSubmatch(s)
		if strings.Count(s, ",") == 0 {
			t.Errorf("%s has no default: deploying fails without the variable", s)
		}
		if v := env[m[1]]; v != "" {
			return strconv.Quote(v)
		}
		return strconv.Quote(m[2])
	})
}

// The commented blocks of s.yaml are valid when uncommented, each alone and all
// together.
func TestCommentedBlocksAreValid(t *testing.T) {
	raw, err := os.ReadFile("../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// A block begins after the text of its mark, with a line that ends with a colon.
	marks := regexp.MustCompile(`(?m)^ *# \[(.+?)\]`).FindAllStringSubmatch(string(raw), -1)
	uncomment := func(text, name string) string {
		var out []string
		in, block := false, false
		for line := range strings.Lines(text) {
			comment := strings.HasPrefix(strings.TrimSpace(line), "# ")
			switch {
			case strings.Contains(line, "# ["+name+"]"):
				in = true
			case in && comment && (block || strings.HasSuffix(strings.TrimSpace(line), ":")):
				block = true
				line = strings.Replace(line, "# ", "", 1)
			case !comment:
				in, block = false, false
			}
			out = append(out, line)
		}
		return strings.Join(out, "")
	}
	checks := map[string]func(s serverless) bool{
		"failure destination": func(s serverless) bool {
			d := s.Resources["report"].Props.AsyncInvokeConfig.DestinationConfig
			return strings.HasPrefix(d.OnFailure.Destination, "acs:mns:") && strings.HasSuffix(d.OnFailure.Destination, "/messages")
		},
		"VPC": func(s serverless) bool {
			v := s.Resources["report"].Props.VpcConfig
			return strings.HasPrefix(v.VpcID, "vpc-") && len(v.VSwitchIDs) == 1 && strings.HasPrefix(v.SecurityGroupID, "sg-")
		},
		"custom domain": func(s serverless) bool {
			d := s.Resources["report"].Props.CustomDomain
			return d.DomainName == "reports.example.com" && d.Protocol == "HTTP" && d.Route.Path == "/*" && d.Route.Qualifier == "LATEST"
		},
	}
	if len(marks) != len(checks) {
		t.Fatalf("s.yaml has the blocks %q, %d are checked", marks, len(checks))
	}
	all := string(raw)
	for _, m := range marks {
		check, ok := checks[m[1]]
		if !ok {
			t.Errorf("the block %s has no check", m[1])
			continue
		}
		if plain := parseServerless(t, string(raw), nil); check(plain) {
			t.Errorf("the check of the block %s passes while it is commented", m[1])
		}
		all = uncomment(all, m[1])
		if s := parseServerless(t, uncomment(string(raw), m[1]), nil); !check(s) || len(s.Resources["report"].Props.Triggers) != 2 {
			t.Errorf("the block %s is not valid: %+v", m[1], s)
		}
	}
	s := parseServerless(t, all, nil)
	for name, check := range checks {
		if !check(s) {
			t.Errorf("the block %s is not valid together with the others", name)
		}
	}
}

// s.yaml sets exactly the settings that the program reads.
func TestServerlessSetsEverySetting(t *testing.T) {
	props := readServerless(t, nil).Resources["report"].Props
	known := knownSettings()
	for _, name := range known {
		if _, ok := props.EnvironmentVariables[name]; !ok {
			t.Errorf("s.yaml does not set %s", name)
		}
	}
	for name := range props.EnvironmentVariables {
		if !slices.Contains(known, name) {
			t.Errorf("s.yaml sets %s, which the program does not read", name)
		}
	}
}

// The default values of s.yaml, and the values it passes on, are valid settings.
func TestServerlessValuesAreValid(t *testing.T) {
	for _, given := range []map[string]string{nil, {"EXPIRY_DAYS": "14", "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x"}} {
		vars := readServerless(t, given).Resources["report"].Props.EnvironmentVariables
		env := config.NewEnv(func(name string) string { return vars[name] })
		s := config.Load(env)
		channels := chat.Load(env)
		if err := env.Err(); err != nil {
			t.Errorf("with %v: %v", given, err)
		}
		if given != nil && (s.Days != 14 || len(channels) != 1) {
			t.Errorf("with %v: %d days, %d channels", given, s.Days, len(channels))
		}
		size := 0
		for name, v := range vars {
			size += len(name) + len(v)
		}
		if size > 4096 {
			t.Errorf("the environment has %d bytes, the platform allows 4096", size)
		}
	}
}

// s.yaml has what the schema of the fc3 component requires. The component itself
// checks nothing.
func TestServerlessMatchesTheSchema(t *testing.T) {
	s := readServerless(t, nil)
	r := s.Resources["report"]
	p := r.Props
	for what, ok := range map[string]bool{
		"edition 3.0.0, component fc3":        s.Edition == "3.0.0" && r.Component == "fc3",
		"runtime go1 with the handler's name": p.Runtime == "go1" && p.Handler == "main" && p.Code == "./code/target",
		"a role in lower case":                p.Role != "" && p.Role == strings.ToLower(p.Role),
		"logs":                                p.LogConfig == "auto",
		"memory in steps of 64 MB":            p.MemorySize >= 128 && p.MemorySize%64 == 0,
		"cpu to memory between 1:1 and 1:4":   p.CPU*4*1024 >= float64(p.MemorySize) && p.CPU*1024 <= float64(p.MemorySize),
		"512 MB or 10 GB of disk":             p.DiskSize == 512 || p.DiskSize == 10240,
		"time to list and to deliver":         p.Timeout >= 60 && p.Timeout <= 86400,
		"0 to 8 retries, at most 7 days":      p.AsyncInvokeConfig.MaxAsyncRetryAttempts >= 1 && p.AsyncInvokeConfig.MaxAsyncRetryAttempts <= 8 && p.AsyncInvokeConfig.MaxAsyncEventAgeInSeconds <= 604800,
		"an internet connection":              p.InternetAccess,
		"a timer and an HTTP trigger":         len(p.Triggers) == 2 && p.Triggers[0].TriggerType == "timer" && p.Triggers[1].TriggerType == "http",
	} {
		if !ok {
			t.Errorf("s.yaml lacks: %s (%+v)", what, p)
		}
	}
	var actions []string
	for _, of := range r.Actions {
		for _, a := range of {
			actions = append(actions, a.Path+" "+a.Run)
		}
	}
	if !slices.Equal(actions, []string{"./ go run ./internal/release build"}) {
		t.Errorf("the actions are %q, want the build alone: it runs under every shell", actions)
	}
	cron := fmt.Sprint(p.Triggers[0].TriggerConfig["cronExpression"])
	zone, rest, _ := strings.Cut(strings.TrimPrefix(cron, "CRON_TZ="), " ")
	if _, err := time.LoadLocation(zone); err != nil || !strings.HasPrefix(cron, "CRON_TZ=") {
		t.Errorf("%s: invalid time zone: %v", cron, err)
	}
	fields := strings.Fields(rest)
	if len(fields) != 6 {
		t.Fatalf("%s: %d fields, want second, minute, hour, day, month, weekday", cron, len(fields))
	}
	if minute, err := strconv.Atoi(fields[1]); err != nil || minute%5 == 0 {
		t.Errorf("%s: minute %s, want one that is not busy, such as 7", cron, fields[1])
	}
	if on, ok := p.Triggers[0].TriggerConfig["enable"].(bool); !ok || !on {
		t.Error("the timer is not enabled")
	}
	web := p.Triggers[1].TriggerConfig
	if web["authType"] != "function" || p.EnvironmentVariables["HTTP_AUTH"] != config.TriggerAuth {
		t.Errorf("authType %v does not match HTTP_AUTH %q", web["authType"], p.EnvironmentVariables["HTTP_AUTH"])
	}
	for _, m := range web["methods"].([]any) {
		if !slices.Contains([]any{"GET", "HEAD", "POST"}, m) {
			t.Errorf("method %v", m)
		}
	}
}

// Names that begin with FC_ are read by the deployer and the platform: fc3
// uploads to a host inside Alibaba's network if FC_REGION is the region.
func TestServerlessNamesNoReservedVariable(t *testing.T) {
	b, err := os.ReadFile("../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`env\('([^']*)'`).FindAllStringSubmatch(string(b), -1)
	if len(names) < 40 {
		t.Fatalf("found %d variables in s.yaml: the search is broken", len(names))
	}
	for _, m := range names {
		if strings.HasPrefix(m[1], "FC_") {
			t.Errorf("s.yaml reads %s", m[1])
		}
	}
	for name := range readServerless(t, nil).Resources["report"].Props.EnvironmentVariables {
		if strings.HasPrefix(name, "FC_") {
			t.Errorf("s.yaml sets %s, which the platform reserves", name)
		}
	}
	s := readServerless(t, map[string]string{"DEPLOY_REGION": "eu-central-1", "FUNCTION_NAME": "mine", "FUNCTION_ROLE": "my-role", "FC_REGION": "x", "FC_FUNCTION": "x", "FC_ROLE": "x"})
	if p := s.Resources["report"].Props; s.Vars["region"] != "eu-central-1" || p.FunctionName != "mine" || p.Role != "my-role" {
		t.Errorf("got region %s, function %s, role %s", s.Vars["region"], p.FunctionName, p.Role)
	}
}

// Neither git nor the deployed code contains a file of settings.
func TestSettingsAreIgnored(t *testing.T) {
	for _, file := range []string{".fcignore", ".gitignore"} {
		if b, err := os.ReadFile("../" + file); err != nil || !strings.Contains(string(b), ".env") {
			t.Errorf("%s does not ignore .env: %s, %v", file, b, err)
		}
	}
}

// README.md explains every setting that the program reads.
func TestReadmeExplainsEverySetting(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range knownSettings() {
		if strings.HasSuffix(name, "_LANGUAGE") && name != "REPORT_LANGUAGE" {
			continue // explained once for all channels
		}
		if !strings.Contains(string(b), "`"+name+"`") {
			t.Errorf("README.md does not explain %s", name)
		}
	}
}
