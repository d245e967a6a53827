package journal

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

// errBoltDiffers is a file in which bbolt does not find what this package does.
var errBoltDiffers = errors.New("bbolt reads it otherwise")

// boltAgrees has bbolt itself look for the keys of a finished file, so that who
// verifies a journal need not believe this package's own reading and writing of
// bbolt's format. bbolt maps the file into memory: nothing but verify, which has no
// traffic to hold up, does that. Errors other than errBoltDiffers say that bbolt
// could not look.
func boltAgrees(path string, j *file) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errBoltDiffers, p)
		}
	}()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	switch {
	case errors.Is(err, bbolt.ErrInvalid), errors.Is(err, bbolt.ErrChecksum), errors.Is(err, bbolt.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", errBoltDiffers, err)
	case err != nil:
		return err
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		for _, want := range []struct {
			bucket []byte
			keys   int
		}{{bucketBlocks, len(j.blocks)}, {bucketIndex, len(j.blocks)}, {bucketConns, len(j.conns)}} {
			b := tx.Bucket(want.bucket)
			if b == nil {
				return fmt.Errorf("%w: there is no bucket %s", errBoltDiffers, want.bucket)
			}
			n, c := 0, b.Cursor()
			for k, _ := c.First(); k != nil; k, _ = c.Next() {
				n++
			}
			if n != want.keys {
				return fmt.Errorf("%w: bucket %s has %d keys for it, and %d for us", errBoltDiffers, want.bucket, n, want.keys)
			}
		}
		return nil
	})
}
