//go:build !cgo || !linux

package lifesign

// Everything else here is for cgo on Linux: elsewhere a program would be told of
// names that are missing. What is missing is said by this one.
var _ = lifesign_needs_Linux_and_cgo_with_a_C_compiler__CGO_ENABLED_1
