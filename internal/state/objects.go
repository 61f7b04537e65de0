package state

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Objects is an object store. [Folder] and the result of [OSS.Objects] are the
// two backends. An implementation must be safe for concurrent use by any number
// of processes, and must return soon after its context is done.
type Objects interface {
	// Put stores data under name, if name does not exist. If it exists, Put
	// changes nothing and returns an error that is fs.ErrExist. After any other
	// error the object may exist or not.
	//
	// Data must be durable when Put returns without error.
	Put(ctx context.Context, name string, data []byte) error

	// Get returns the object with that name. If there is none, the error is
	// fs.ErrNotExist; if it arrives incomplete, io.ErrUnexpectedEOF.
	Get(ctx context.Context, name string) ([]byte, error)

	// List returns the names that begin with prefix and follow after, in order.
	// It sees every Put that returned before List was called.
	List(ctx context.Context, prefix, after string) ([]string, error)

	// Delete removes an object. A missing object is no error.
	Delete(ctx context.Context, name string) error
}

// maxObjectBytes is the largest object that a backend reads.
const maxObjectBytes = 16 << 20

// ErrOverwrites is the error of [Probe] for a store that overwrites objects,
// such as an OSS bucket with versioning.
var ErrOverwrites = errors.New("the store overwrites existing objects: a bucket must not have versioning, neither enabled nor suspended")

// Probe checks that the store can be written, listed, read and deleted, and
// that it refuses to overwrite an object. It removes the object that it writes.
func Probe(ctx context.Context, o Objects) (err error) {
	name := "probe/" + rand.Text()
	if err := o.Put(ctx, name, []byte("first")); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	defer func() {
		if deleteErr := o.Delete(ctx, name); deleteErr != nil && err == nil {
			err = fmt.Errorf("delete: %w", deleteErr)
		}
	}()
	switch err := o.Put(ctx, name, []byte("second")); {
	case err == nil:
		return ErrOverwrites
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("write again: %w", err)
	}
	switch got, err := o.Get(ctx, name); {
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case !bytes.Equal(got, []byte("first")):
		return errors.New("read: the store returned other data than was written")
	}
	switch names, err := o.List(ctx, "probe/", ""); {
	case err != nil:
		return fmt.Errorf("list: %w", err)
	case !slices.Contains(names, name):
		return errors.New("list: the store does not list an object that was written")
	}
	return nil
}
