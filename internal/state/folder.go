package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Folder is an object store in a folder of a file system with hard links, such
// as a local disk or NFS. The folder is created when it is needed.
type Folder string

// A temporaryPrefix begins the names of files that are being written. Such a
// file that is older than temporaryAge was left by a crash.
const (
	temporaryPrefix = ".tmp-"
	temporaryAge    = time.Hour
)

// ErrNoHardLinks is the error of a folder whose file system has no hard links.
var ErrNoHardLinks = errors.New("the file system has no hard links (ossfs mounts have none): use another folder, or an oss:// URL")

// Put writes a temporary file and links it to the name, which fails if the name
// exists. File and folder are synced.
func (f Folder) Put(ctx context.Context, name string, data []byte) error {
	return untilDone(ctx, func() error { return f.put(f.path(name), data) })
}

func (f Folder) put(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, temporaryPrefix)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return linkError(err)
	}
	return syncFolder(dir)
}

// linkError returns ErrNoHardLinks for the errors of file systems that have
// none.
func linkError(err error) error {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EMLINK} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%w (%w)", ErrNoHardLinks, errno)
		}
	}
	return err
}

// syncFolder makes a new name in dir durable.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" { // which cannot sync a folder
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Get reads a file.
func (f Folder) Get(ctx context.Context, name string) (data []byte, err error) {
	type result struct{ data []byte }
	var got result
	err = untilDone(ctx, func() error {
		file, err := os.Open(f.path(name))
		if err != nil {
			return err
		}
		defer file.Close()
		b, err := io.ReadAll(io.LimitReader(file, maxObjectBytes+1))
		if err == nil && len(b) > maxObjectBytes {
			err = errTooLarge
		}
		got.data = b
		return err
	})
	if err != nil {
		return nil, err
	}
	return got.data, nil
}

var errTooLarge = errors.New("object too large")

// List returns the names of the files in the folder of prefix, which ends with
// a slash. It removes temporary files that a crash has left.
func (f Folder) List(ctx context.Context, prefix, after string) (names []string, err error) {
	var found []string
	err = untilDone(ctx, func() error {
		entries, err := os.ReadDir(f.path(prefix))
		if errors.Is(err, fs.ErrNotExist) {
			return f.check()
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), temporaryPrefix) {
				f.removeStale(prefix, e)
			} else if name := prefix + e.Name(); e.Type().IsRegular() && name > after {
				found = append(found, name)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(found)
	return found, nil
}

// check returns an error if the folder cannot come into being, because a file
// has its name.
func (f Folder) check() error {
	info, err := os.Stat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "list", Path: string(f), Err: syscall.ENOTDIR}
	}
	return err
}

func (f Folder) removeStale(prefix string, e fs.DirEntry) {
	if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > temporaryAge {
		os.Remove(f.path(prefix + e.Name()))
	}
}

// Delete removes a file.
func (f Folder) Delete(ctx context.Context, name string) error {
	return untilDone(ctx, func() error {
		if err := os.Remove(f.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

func (f Folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// untilDone calls do and returns its error, or that of ctx if it is done first.
// A system call on a network mount that hangs cannot be interrupted; it is left
// behind.
func untilDone(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
