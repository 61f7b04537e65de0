package chat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A scenario is a listing at a fixed time, of which messages of every kind are
// made. Each is a file in testdata/messages, which also has the messages as the
// emulated chats received them.
type scenario struct {
	Now      report.Time
	Expiring int // further matrices that expire, spread over 31 days
	Healthy  int // further matrices that need no attention
	Settings map[string]string
	Since    report.Time // of the last report; absent if none is remembered
	Changes  []report.Change
	Renewals map[string]report.Renewals // by the ids of matrices
	report.Listing
}

// report returns the report about the listing, and the options of its messages.
func (s scenario) report(t testing.TB) (report.Report, message.Options) {
	t.Helper()
	env := config.NewEnv(func(name string) string { return s.Settings[name] })
	settings := config.Load(env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range s.Expiring {
		s.Matrices = append(s.Matrices, s.expiring(i))
	}
	for i := range s.Healthy {
		s.Matrices = append(s.Matrices, &report.Matrix{
			NodeID: fmt.Sprintf("cpn-healthy%06d", i), Name: fmt.Sprintf("healthy-%d", i), Region: "cn-shanghai", Status: report.StatusRunning,
			ExpiresAt: report.Time{Time: s.Now.AddDate(0, 3, i%200)}, PhoneCount: 25,
		})
	}
	r := report.Build(settings.Rules, s.Listing, s.Now.Time)
	for i, f := range r.Findings {
		if renewals, found := s.Renewals[f.NodeID]; found {
			r.Findings[i].Renewals = &renewals
		}
	}
	if !s.Since.IsZero() {
		r = r.WithChanges(s.Since.Time, s.Changes)
	}
	return r, message.Options{
		ConsoleURL: settings.ConsoleURL, ReportURL: settings.ReportURL, OwnerTag: settings.OwnerTag, Mentions: settings.Mentions, RequestID: "1-6921a0b2-15d63510",
		NextRun: s.Now.AddDate(0, 0, 1),
	}
}

// expiring returns the matrix i of those that expire. Two of three end at
// midnight, as most of the service do, and the others at noon.
func (s scenario) expiring(i int) *report.Matrix {
	noon := s.Now.Add(time.Duration(12-s.Now.Hour())*time.Hour).Truncate(time.Hour).AddDate(0, 0, i*11%31)
	if i%3 > 0 {
		noon = noon.Add(12 * time.Hour)
	}
	return &report.Matrix{
		NodeID: fmt.Sprintf("cpn-%013s", strconv.FormatInt(int64(i+1)*7_919_000_003, 36)), Name: fmt.Sprintf("fleet-%03d", i),
		Region: []string{"cn-hangzhou", "cn-shanghai", "ap-southeast-1", "eu-central-1"}[i%4], Status: report.StatusRunning, PhoneCount: 25 + i%16,
		Tags: map[string]string{"owner": []string{"team-a", "team-b", ""}[i%3]}, ExpiresAt: report.Time{Time: noon},
	}
}

// scenarioFiles returns the scenarios by the names of their files.
func scenarioFiles(t testing.TB) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob("testdata/messages/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	all := map[string]*txtar.Archive{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = txtar.Parse(b)
	}
	return all
}

func scenarioName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txtar") }

// parseScenario returns the scenario in the first file of an archive.
func parseScenario(t testing.TB, a *txtar.Archive) (s scenario) {
	t.Helper()
	if err := json.Unmarshal(a.Files[0].Data, &s); err != nil {
		t.Fatalf("%s: %v", a.Files[0].Name, err)
	}
	return s
}
