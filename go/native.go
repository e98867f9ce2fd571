//go:build !lifesign_system

package lifesign

// #cgo CFLAGS: -I${SRCDIR}/internal/native
// #cgo LDFLAGS: -lm -ldl -lpthread
import "C"

// The engine is part of the program.
import _ "lifesign.dev/lifesign/internal/native"
