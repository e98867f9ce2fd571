// Package native is the engine itself: the C header, and the object that the Go
// linker takes in because it lies here. Both are made by "make build" in the
// repository of Lifesign, and are part of the module as it is released.
package native
