package policy

import (
	"encoding/json"
	"slices"
	"strings"
)

// RewritePrincipals returns the text of a policy with the AWS principals of its
// statements (Principal and NotPrincipal) changed, and every other byte as it
// was. A text that is no policy comes back unchanged.
func RewritePrincipals(text string, change func(principal string) string) string {
	if _, err := Parse([]byte(text)); err != nil {
		return text
	}
	w := walker{d: json.NewDecoder(strings.NewReader(text)), text: text, change: change}
	w.value(nil)
	return w.out.String() + text[w.copied:]
}

// walker goes over the tokens of a document that is known to be a policy.
type walker struct {
	d      *json.Decoder
	text   string
	out    strings.Builder
	copied int // bytes of text that are in out
	change func(string) string
}

// value passes one value; path are the names that lead to it.
func (w *walker) value(path []string) {
	before := w.d.InputOffset()
	token, err := w.d.Token()
	if err != nil {
		return // Parse read it before
	}
	switch token {
	case json.Delim('{'):
		for w.d.More() {
			name, _ := w.d.Token()
			key, _ := name.(string)
			w.value(append(slices.Clip(path), key))
		}
		_, _ = w.d.Token()
		return
	case json.Delim('['):
		for w.d.More() {
			w.value(path)
		}
		_, _ = w.d.Token()
		return
	}
	old, ok := token.(string)
	if !ok || len(path) != 3 || path[0] != "Statement" || strings.TrimPrefix(path[1], "Not") != "Principal" || path[2] != "AWS" {
		return
	}
	if changed := w.change(old); changed != old {
		end := int(w.d.InputOffset())
		start := int(before) + strings.IndexByte(w.text[before:end], '"')
		quoted, _ := json.Marshal(changed) // a string always encodes
		w.out.WriteString(w.text[w.copied:start])
		w.out.Write(quoted)
		w.copied = end
	}
}
