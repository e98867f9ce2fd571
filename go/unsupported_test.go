package lifesign_test

import (
	"go/build"
	"slices"
	"testing"
)

// Where it cannot be built, nothing is but the line that says why.
func TestUnsupported(t *testing.T) {
	for _, each := range []struct {
		system string
		cgo    bool
		says   bool
	}{{"linux", true, false}, {"linux", false, true}, {"darwin", false, true}, {"windows", false, true}} {
		context := build.Default
		context.GOOS, context.CgoEnabled = each.system, each.cgo
		files := must(context.ImportDir(".", 0))(t).GoFiles
		if alone := slices.Equal(files, []string{"doc.go", "unsupported.go"}); alone != each.says {
			t.Errorf("%s, cgo %v: %v", each.system, each.cgo, files)
		}
	}
}
