// Package journal keeps records of replication traffic on disk.
package journal
