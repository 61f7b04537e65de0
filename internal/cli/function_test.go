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
		{"512", "", 128 << 20},
		{"128", "", 32 << 20},
		{"127", "", 32 << 20},
		{"129", "", 129 << 18},
		{"", "", 32 << 20},
		{"lots", "", 32 << 20},
		{"512", "100MiB", before},
	} {
		debug.SetMemoryLimit(before)
		setMemoryLimit(func(name string) string {
			return map[string]string{"FC_FUNCTION_MEMORY_SIZE": tt.instance, "GOMEMLIMIT": tt.goMemLimit}[name]
		})
		if got := debug.SetMemoryLimit(-1); got != tt.want {
			t.Errorf("instance of %q MB, GOMEMLIMIT %q: limit %d, want %d", tt.instance, tt.goMemLimit, got, tt.want)
		}
	}
}
