package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A name, the processors if there are several, the runs, and what was measured.
var measured = regexp.MustCompile(`^Benchmark(\S+?)(?:-(\d+))?\s+\d+\s+(.+)$`)

// parse returns the figures in the order in which they come first.
func parse(from io.Reader) ([]figure, error) {
	var order []key
	samples := map[key][]float64{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "--- FAIL") || strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "panic:") {
			return nil, fmt.Errorf("a benchmark failed: %s", line)
		}
		match := measured.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		values := strings.Fields(match[3])
		for i := 0; i+1 < len(values); i += 2 {
			value, err := strconv.ParseFloat(values[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			row, known := rowOf(match[1], match[2], values[i+1])
			if !known {
				return nil, fmt.Errorf("%q: what is %s?", line, values[i+1])
			}
			if row.perSecond {
				value = 1e9 / value
			}
			if _, seen := samples[row.key]; !seen {
				order = append(order, row.key)
			}
			samples[row.key] = append(samples[row.key], value)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(order) == 0 {
		return nil, errors.New("no benchmark in the input")
	}
	figures := make([]figure, len(order))
	for i, each := range order {
		low, median, high := quartiles(samples[each])
		figures[i] = figure{ID: each.id, Value: median, Unit: each.unit, Low: low, High: high}
	}
	return figures, nil
}

type key struct{ id, unit string }

type row struct {
	key
	perSecond bool // the time of one operation becomes operations in a second
}

func rowOf(name, processors, unit string) (row, bool) {
	top, rest, _ := strings.Cut(name, "/")
	top = "go-" + kebab(top)
	id := func(suffix string) string {
		if rest == "" {
			return top + suffix
		}
		return top + suffix + "/" + rest
	}
	parallel := strings.HasSuffix(top, "-parallel")
	if parallel {
		if processors == "" {
			processors = "1"
		}
		rest += "/" + processors
	}
	if side, of := strings.CutSuffix(unit, "-ns/op"); of {
		return row{key{id("") + "/" + side, "ns"}, false}, true
	}
	switch unit {
	case "ns/op":
		if parallel {
			return row{key{id(""), "ops/s"}, true}, true
		}
		return row{key{id(""), "ns"}, false}, true
	case "B/op":
		return row{key{id("-bytes"), "bytes"}, false}, true
	case "allocs/op":
		return row{key{id("-allocs"), "allocs"}, false}, true
	case "writes/s":
		return row{key{id("-writes"), "ops/s"}, false}, true
	}
	return row{}, false
}

// kebab is status-by-id of StatusByID, and batch-64 of Batch64.
func kebab(name string) string {
	var out strings.Builder
	before := '-'
	for _, letter := range name {
		if unicode.IsLower(before) && !unicode.IsLower(letter) {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(letter))
		before = letter
	}
	return out.String()
}

func quartiles(samples []float64) (low, median, high float64) {
	slices.Sort(samples)
	at := func(part float64) float64 {
		place := part * float64(len(samples)-1)
		left := int(place)
		right := min(left+1, len(samples)-1)
		return samples[left] + (place-float64(left))*(samples[right]-samples[left])
	}
	return at(0.25), at(0.5), at(0.75)
}
