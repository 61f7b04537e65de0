package fctest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PeakMemory returns the peak resident memory of the running process, in bytes.
// The usage that wait returns would include, on Linux, memory of the parent from
// before exec.
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

// CPUTime returns the processor time that the running process has used so far.
func (f *Function) CPUTime() (time.Duration, error) { return CPUTime(f.cmd.Process.Pid) }

// CPUTime returns the processor time that a running process has used so far.
func CPUTime(pid int) (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, file := range threads {
		b, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var ran time.Duration // both count nanoseconds
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
