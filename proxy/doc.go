// Package proxy is the tap.
package proxy
