package cli

import (
	"runtime/debug"
	"testing"
)

func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, tt := range []struct {
		instance, goMemLimit string
		want                 int64
	}{
		{"512", "", share(512)},
		{"128", "", share(128)},
		{"127", "", share(128)},
		{"129", "", share(129)},
		{"", "", share(128)},
		{"lots", "", share(128)},
		{"512", "100MiB", before},
	} {
		debug.SetMemoryLimit(before)
		setMemoryLimit(func(name string) string {
			return map[string]string{"FC_RUNTIME_API": "127.0.0.1:1", "FC_FUNCTION_MEMORY_SIZE": tt.instance, "GOMEMLIMIT": tt.goMemLimit}[name]
		})
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("instance of %q MB, GOMEMLIMIT %q: limit %d, want %d", tt.instance, tt.goMemLimit, got, tt.want)
		}
	}
}

func share(mb float64) int64 { return int64(mb * (1 << 20) * memoryShare) }

func TestInstanceMemory(t *testing.T) {
	for env, want := range map[[2]string]int64{
		{"", ""}: 1 << 30, {"", "127.0.0.1:1"}: 128 << 20, {"256", "127.0.0.1:1"}: 256 << 20, {"64", ""}: 128 << 20, {"-1", ""}: 1 << 30,
	} {
		got := instanceMemory(func(name string) string {
			return map[string]string{"FC_FUNCTION_MEMORY_SIZE": env[0], "FC_RUNTIME_API": env[1]}[name]
		})
		if got != want {
			t.Errorf("%q: got %d, want %d", env, got, want)
		}
	}
}
