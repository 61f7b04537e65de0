package main

import "testing"

func TestSection(t *testing.T) {
	const changes = "# Changelog\n\nIntro.\n\n## [Unreleased]\n\n- c\n\n## [1.1.0] - 2026-12-01\n\n### Added\n\n- b\n\n### Removed\n\n- x\n\n## 1.0.0\n\n- a\n\n## [0.9.0]\n"
	for version, want := range map[string]string{"1.1.0": "### Added\n\n- b\n\n### Removed\n\n- x", "1.0.0": "- a", "0.9.0": "", "1.1": "", "2.0.0": ""} {
		got, err := section(changes, version)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q and the error %v, want %q", version, got, err, want)
		}
	}
}
