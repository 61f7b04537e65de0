package cli

import (
	"flag"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// The scripts in testdata/*.txt are the command line as typed.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			cloud := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
			e.Defer(cloud.Close)
			empty := httptest.NewServer(&fakecloud.Server{})
			e.Defer(empty.Close)
			room := httptest.NewServer(&fakechat.Server{DingTalkSecret: "SECretOfTheRobot"})
			e.Defer(room.Close)
			e.Setenv("CLOUD", cloud.URL)
			e.Setenv("EMPTY", empty.URL)
			e.Setenv("ROOM", room.URL)
			e.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "emulator")
			e.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "emulator-secret")
			return nil
		},
	})
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"matrix-expiry-report": run})
}

var update = flag.Bool("update", false, "rewrite what the tests compare with")

func run() {
	p := Program{Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(p.Main(os.Args[1:]))
}

func TestTheCollectorKnowsTheInstance(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, tt := range []struct {
		size, own string
		want      int64
	}{
		{"512", "", 128 << 20},
		{"128", "", 32 << 20},
		{"", "", 32 << 20},
		{"lots", "", 32 << 20},
		{"512", "100MiB", before},
	} {
		debug.SetMemoryLimit(before)
		boundMemory(func(name string) string {
			return map[string]string{"FC_FUNCTION_MEMORY_SIZE": tt.size, "GOMEMLIMIT": tt.own}[name]
		})
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("of an instance of %q MB, with GOMEMLIMIT %q, the program has %d bytes, want %d", tt.size, tt.own, got, tt.want)
		}
	}
}
