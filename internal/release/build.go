package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"matrix-expiry-report/internal/gobuild"
)

// renamed lists the variables of s.yaml that had another name. The deployer and
// the platform read names that begin with FC_ themselves.
var renamed = []struct{ old, now string }{
	{"FC_REGION", "DEPLOY_REGION"},
	{"FC_FUNCTION", "FUNCTION_NAME"},
	{"FC_ROLE", "FUNCTION_ROLE"},
}

// checkRenamed returns an error that names each variable that is still set
// under its old name. If it were ignored, the defaults would deploy a second
// function, and with it a second daily report.
func checkRenamed(getenv func(string) string) error {
	var errs []error
	for _, r := range renamed {
		if getenv(r.old) != "" {
			errs = append(errs, fmt.Errorf("%s is now %s: rename it in .env or the environment (an ignored %[1]s could deploy a second function)", r.old, r.now))
		}
	}
	return errors.Join(errs...)
}

// shipped are the files that are deployed beside the binary. The deployer
// leaves out what .fcignore lists.
var shipped = []string{".fcignore", "LICENSE", "NOTICE", "THIRD_PARTY_LICENSES.txt"}

// build writes the function and the shipped files to the target folder of the
// repository in root. Templates in that folder stay; files of settings, which
// hold secrets, are removed.
func build(root, version string) error {
	dir := filepath.Join(root, target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	settings, err := filepath.Glob(filepath.Join(dir, ".env*"))
	if err != nil {
		return err
	}
	for _, file := range settings {
		if err := os.RemoveAll(file); err != nil {
			return err
		}
	}
	for _, name := range shipped {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return gobuild.Build(root, ".", target+"/main", version, gobuild.Function...)
}
