package journal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Pseudonyms are made with a key that belongs to the journal's directory. It is
// in a file of its own, so that later recordings into the directory use it again
// and whoever is sent the journal's files does not get it: with it one could
// find out by trying whom a pseudonym stands for.
const (
	keyFileName = "redaction.key"
	keySize     = 32
)

// redactionKey reads the key of a directory, or writes key there; nil is a new one.
// A key that is lost is no harm to what there is; later pseudonyms are different
// ones.
func redactionKey(dir string, key []byte) ([]byte, error) {
	path := filepath.Join(dir, keyFileName)
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("%s does not hold a key of repltap; remove it to have a new one made", path)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the key for pseudonyms: %w", err)
	}
	if key == nil {
		key = make([]byte, keySize)
		rand.Read(key)
	}
	if err := writeNew(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("keeping the key for pseudonyms: %w", err)
	}
	return key, nil
}

// writeNew writes a file that appears whole or not at all.
func writeNew(path string, text []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// keyName tells keys apart without giving them away: where two files name the
// same, their pseudonyms can be compared. No key has no name.
func keyName(key []byte) string {
	if key == nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte("repltap key name\n"), key...))
	return hex.EncodeToString(sum[:8])
}
