//go:build lifesign_system

package lifesign

// The engine is the shared library that is installed on the system.

// #cgo pkg-config: lifesign
import "C"
