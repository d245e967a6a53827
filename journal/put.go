package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// growStep is how many bytes an open file grows at a time.
const growStep = 1 << 20

// createBolt makes a bbolt file with empty buckets and a header. room is how
// large it will be, about; it grows by step.
func createBolt(path string, h fileHeader, room int64, step int) (*bbolt.DB, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there already", path)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        time.Second,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
		// Address space only: growing a map under a reader would have to wait for it.
		InitialMmapSize: int(min(room+room/4, 4<<30)),
	})
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	db.AllocSize = step
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketBlocks, bucketIndex, bucketConns} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return putHeader(tx, h)
	})
	if err != nil {
		db.Close()
		os.Remove(path)
		return nil, err
	}
	return db, nil
}

func putHeader(tx *bbolt.Tx, h fileHeader) error { return putSealed(tx, bucketMeta, keyHeader, h) }

func putConns(tx *bbolt.Tx, conns []connInfo, next nextNumbers) error {
	for i := range conns {
		if err := putSealed(tx, bucketConns, numberKey(conns[i].Conn), &conns[i]); err != nil {
			return err
		}
	}
	return putSealed(tx, bucketMeta, keyNext, next)
}

func putSealed(tx *bbolt.Tx, bucket, key []byte, v any) error {
	b, err := sealValue(key, v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, b)
}

// putBlock adds a block at the end of the blocks and its head to the index. Pages
// are filled to the brim: nothing is ever put in between.
func putBlock(tx *bbolt.Tx, seq uint64, block []byte) error {
	blocks, index := tx.Bucket(bucketBlocks), tx.Bucket(bucketIndex)
	blocks.FillPercent, index.FillPercent = 1, 1
	n, _, err := headLen(block)
	if err != nil {
		return err
	}
	if err := blocks.Put(numberKey(seq), block); err != nil {
		return err
	}
	return index.Put(numberKey(seq), block[:n])
}
