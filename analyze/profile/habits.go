package profile

import "repltap/wire"

// unordered says that tokens of the stream go back and forth by nature.
func unordered(w *writer) bool {
	return w.known != nil && w.known.Tokens&wire.TokensUnordered != 0
}

// silent says that the stream's position moves without rows by nature.
func silent(w *writer) bool {
	return w.known != nil && w.known.Tokens&wire.TokensSilent != 0
}
