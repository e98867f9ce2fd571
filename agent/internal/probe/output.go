package probe

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Cut makes text fit a check: valid UTF-8 and at most limit bytes, cut at a
// character's edge. What was cut says so at its end, when limit leaves room.
func Cut(text string, limit int) string {
	return cut(text, fmt.Sprint(len(text)), len(text), limit)
}

// cut is Cut for the beginning of a text that had total bytes, and says that it
// had so many.
func cut(text, so string, total, limit int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if total <= limit && len(text) <= limit {
		return text
	}
	note := fmt.Sprintf("\n[cut: %s bytes in all]", so)
	if len(note) >= limit {
		note = ""
	}
	end := min(limit-len(note), len(text))
	for end > 0 && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + note
}

// capture keeps the first bytes written to it and counts the rest, so that a
// talkative target costs no memory.
type capture struct {
	limit int
	kept  []byte
	total int
	more  bool // what was written is not all there was
}

func (c *capture) Write(p []byte) (int, error) {
	c.total += len(p)
	if room := c.limit - len(c.kept); room > 0 {
		c.kept = append(c.kept, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// after returns head followed by what was captured, within limit bytes.
func (c *capture) after(head string, limit int) string {
	total := len(head) + c.total
	so := fmt.Sprint(total)
	if c.more {
		so = fmt.Sprintf("at least %d", total)
	}
	return cut(head+string(c.kept), so, total, limit)
}
