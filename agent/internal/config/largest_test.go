//go:build !race

package config

import (
	"strings"
	"testing"
)

// repeat is the pieces as often as a file has room for them.
func repeat(before, piece, after string) string {
	return before + strings.Repeat(piece, (maxFile-len(before)-len(after))/len(piece)) + after
}

// A file of the largest size is read in a time that grows with its length, and
// not with the square of it, whatever it is made of. The race detector
// would make it as slow as what this looks for, and nothing here is concurrent.
func TestLargestFiles(t *testing.T) {
	for name, text := range map[string]string{
		"numbers.json":   repeat(`{"a": [`, "0,", `0]}`),
		"lines.json":     repeat(`{"a": [`, "0\n,", `0]}`),
		"fields.json":    repeat(`{`, `"a":0,`, `"b":0}`),
		"checks.json":    repeat(`{"checks": [`, `{"id":"a","ttl":"1h"},`, `{}]}`),
		"unknown.json":   repeat(`{"check": {`, `"a":0,`, `"b":0}}`),
		"meta.json":      repeat(`{"service": {"name": "s", "meta": {`, `"a":0,`, `"b":0}}}`),
		"long.json":      repeat(`{"check": {"`, "x", `": 0}}`),
		"number.json":    repeat(`{"check": {"id": `, "1", `}}`),
		"numbers.hcl":    repeat("a = [", "0,", "0]"),
		"fields.hcl":     repeat("", "a=0 ", ""),
		"keys.hcl":       repeat("", "a ", ""),
		"comments.hcl":   repeat("", "/**/", ""),
		"heredocs.hcl":   repeat("", "a=<<A\nx\nA\n", ""),
		"heredoc.hcl":    repeat("a = <<A\n", "x\n", "A\n"),
		"open.hcl":       repeat(`a = "`, "${", `"`),
		"stray.hcl":      repeat("a = ", "[{a=}},", "0"),
		"deep.hcl":       repeat("a = ", "[", ""),
		"deep.json":      repeat(`{"a": `, "[", ""),
		"stray.json":     repeat("", "}", ""),
		"backslash.json": repeat(`{"a": "`, `\u0000`, `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			ends(t, func() {
				set := load(t, map[string]string{name: text})
				for _, p := range set.Problems {
					if text := p.String(); len(text) > maxProblem {
						t.Errorf("a problem of %d bytes: %.200s", len(text), text)
						break
					}
				}
			})
		})
	}
}
