//go:build !linux

package journal

import "testing"

func smallDisk(t *testing.T, size string) string {
	t.Skip("a small disk is made on Linux only")
	return ""
}
