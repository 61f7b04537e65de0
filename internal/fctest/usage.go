package fctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PeakMemory is the most that the running process has had resident so far, in
// bytes. (What wait reports is no use: on Linux it counts the parent's memory,
// which the child had before it became the function.)
func (f *Function) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0, fmt.Errorf("reading VmHWM: %w", err)
	}
	return kib << 10, nil
}

// Processor is the processor time that the running process has used so far.
func (f *Function) Processor() (time.Duration, error) { return Processor(f.cmd.Process.Pid) }

// Processor is the processor time that a running process has used so far.
func Processor(pid int) (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, file := range threads {
		b, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var ran time.Duration // in nanoseconds, which is what Duration counts
		if _, err := fmt.Sscan(string(b), &ran); err != nil {
			return 0, fmt.Errorf("reading %s: %w", file, err)
		}
		sum += ran
	}
	if sum == 0 {
		return 0, fmt.Errorf("process %d has used no time", pid)
	}
	return sum, nil
}
