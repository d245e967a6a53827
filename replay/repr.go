package replay

import "repltap/wire"

// repr is Python's repr of a string.
func repr(text string) string { return string(wire.AppendRepr(nil, []byte(text))) }
