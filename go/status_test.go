package lifesign_test

import (
	"encoding/json"
	"testing"

	"lifesign.dev/lifesign"
)

func TestStatusText(t *testing.T) {
	for status, text := range map[lifesign.Status]string{
		lifesign.Gone: "gone", lifesign.Passing: "passing", lifesign.Warning: "warning", lifesign.Critical: "critical",
	} {
		if status.String() != text {
			t.Errorf("%d is %q, want %q", uint32(status), status.String(), text)
		}
		if parsed := must(lifesign.ParseStatus(text))(t); parsed != status {
			t.Errorf("%q is %v", text, parsed)
		}
		encoded := must(json.Marshal(map[string]lifesign.Status{"status": status}))(t)
		if want := `{"status":"` + text + `"}`; string(encoded) != want {
			t.Errorf("got %s, want %s", encoded, want)
		}
		var decoded map[string]lifesign.Status
		check(t, json.Unmarshal(encoded, &decoded))
		if decoded["status"] != status {
			t.Errorf("%s became %v", encoded, decoded["status"])
		}
	}
}

func TestNoStatus(t *testing.T) {
	for _, text := range []string{"", "Passing", "passing ", "ok", "4"} {
		_, err := lifesign.ParseStatus(text)
		mentions(t, refused(t, err, lifesign.ErrInvalid), text)
		status := lifesign.Warning
		refused(t, status.UnmarshalText([]byte(text)), lifesign.ErrInvalid)
		if status != lifesign.Warning {
			t.Errorf("a refused text changed the status to %v", status)
		}
	}
	_, err := lifesign.Status(4).MarshalText()
	refused(t, err, lifesign.ErrInvalid)
	if got := lifesign.Status(77).String(); got != "Status(77)" {
		t.Error(got)
	}
}

func TestStatusOrder(t *testing.T) {
	if !(lifesign.Passing < lifesign.Warning && lifesign.Warning < lifesign.Critical) {
		t.Error("the worst must be the largest")
	}
}
