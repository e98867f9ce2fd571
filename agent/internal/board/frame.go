package board

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lifesign.dev/lifesign"
)

// Row is one check on the board.
type Row struct {
	Service string // empty for the node
	Check   string
	Status  lifesign.Status
	Initial bool // nobody has reported yet
	Since   time.Time
	Target  string // of an alias
	Writer  string
}

const (
	home       = "\x1b[H"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
	bold       = "\x1b[1m"
	plain      = "\x1b[0m"
)

var colors = map[lifesign.Status]string{
	lifesign.Passing:  "\x1b[32m",
	lifesign.Warning:  "\x1b[33m",
	lifesign.Critical: "\x1b[31m",
}

var columns = [...]string{"SERVICE", "CHECK", "STATUS", "SINCE", "ALIAS OF", "WRITER"}

const statusColumn = 2

// minLog is how many lines are left for the log when the checks do not fit.
const minLog = 4

// Frame is one picture of width by height characters: the table, worst checks
// kept when it does not fit, and the end of the log below it.
func Frame(title string, rows []Row, log []string, width, height int, now time.Time) string {
	rows = slices.Clone(rows)
	room := max(height-3-minLog, 1) // title, heading and the blank line before the log
	hidden := 0
	if len(rows) > room {
		slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.Status, a.Status) })
		room = max(room-1, 1) // the line that tells of the rest
		hidden = len(rows) - room
		rows = rows[:room]
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Check, b.Check))
	})

	table := [][len(columns)]string{columns}
	for _, r := range rows {
		table = append(table, r.cells(now))
	}
	var widths [len(columns)]int
	for _, line := range table {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}

	lines := []string{bold + cut(title, width) + plain}
	for n, line := range table {
		var text strings.Builder
		for i, cell := range line {
			text.WriteString(cell)
			text.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		style := bold
		if n > 0 {
			style = ""
		}
		lines = append(lines, style+paint(cut(strings.TrimRight(text.String(), " "), width), n, rows, widths)+plain)
	}
	if hidden > 0 {
		lines = append(lines, cut(fmt.Sprintf("… and %d more that are no worse", hidden), width))
	}
	lines = append(lines, "")
	if left := height - len(lines); left > 0 {
		for _, line := range log[max(0, len(log)-left):] {
			lines = append(lines, cut(clean(line), width))
		}
	}
	if len(lines) > height {
		lines = lines[:height]
	}
	return home + strings.Join(lines, clearLine+"\r\n") + clearLine + clearBelow
}

// paint colours the status cell of table line n.
func paint(text string, n int, rows []Row, widths [len(columns)]int) string {
	if n == 0 {
		return text
	}
	from := 0
	for i := range statusColumn {
		from += widths[i] + 2
	}
	runes := []rune(text)
	if len(runes) <= from {
		return text
	}
	to := min(from+widths[statusColumn], len(runes))
	return string(runes[:from]) + colors[rows[n-1].Status] + string(runes[from:to]) + plain + string(runes[to:])
}

func (r Row) cells(now time.Time) [len(columns)]string {
	service := r.Service
	if service == "" {
		service = "(node)"
	}
	status := r.Status.String()
	if r.Initial {
		status += " (initial)"
	}
	target, writer := r.Target, r.Writer
	if target == "" {
		target = "-"
	}
	if writer == "" {
		writer = "-"
	}
	return [...]string{clean(service), clean(r.Check), status, age(now.Sub(r.Since)), clean(target), clean(writer)}
}

// age is a duration in its two largest units at most.
func age(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// clean takes away what would move the cursor: ids and outputs are other
// people's text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "…"
}
