//go:build other

package main

// int other_answer(void);
import "C"

func init() { other = func() int { return int(C.other_answer()) } }
