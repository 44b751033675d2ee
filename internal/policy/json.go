package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds on a document. AWS's largest is a bucket policy of 20 KiB; the deepest
// well-formed one has six levels.
const (
	MaxSize  = 32 << 10
	maxDepth = 8
)

// node is a JSON value that remembers the order of members and knows of
// members given twice, which encoding/json forgets.
type node struct {
	kind    nodeKind
	text    string // of a string, number or boolean
	items   []node
	members []member
}

type member struct {
	name  string
	value node
}

type nodeKind string

const (
	isString nodeKind = "a string"
	isNumber nodeKind = "a number"
	isBool   nodeKind = "a boolean"
	isNull   nodeKind = "null"
	isList   nodeKind = "a list"
	isObject nodeKind = "an object"
)

// readJSON reads exactly one JSON value.
func readJSON(b []byte) (node, error) {
	switch {
	case len(b) > MaxSize:
		return node{}, fmt.Errorf("is %d bytes long; the limit is %d", len(b), MaxSize)
	case !utf8.Valid(b):
		return node{}, errors.New("is not UTF-8")
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	n, err := readNode(d, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, fmt.Errorf("goes on after its end, at byte %d", d.InputOffset())
	}
	return n, nil
}

func readNode(d *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("is nested more than %d levels deep, at byte %d", maxDepth, d.InputOffset())
	}
	t, err := d.Token()
	if err != nil {
		return node{}, jsonError(d, err)
	}
	switch t := t.(type) {
	case string:
		return node{kind: isString, text: t}, nil
	case json.Number:
		return node{kind: isNumber, text: t.String()}, nil
	case bool:
		return node{kind: isBool, text: fmt.Sprint(t)}, nil
	case json.Delim:
		if t == '[' {
			return readList(d, depth)
		}
		return readObject(d, depth)
	}
	return node{kind: isNull}, nil
}

func readList(d *json.Decoder, depth int) (node, error) {
	n := node{kind: isList}
	for d.More() {
		item, err := readNode(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	return n, closing(d)
}

func readObject(d *json.Decoder, depth int) (node, error) {
	n, seen := node{kind: isObject}, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return node{}, jsonError(d, err)
		}
		name, ok := t.(string)
		if !ok || seen[name] {
			return node{}, fmt.Errorf("has the member %q twice in one object, at byte %d", name, d.InputOffset())
		}
		seen[name] = true
		value, err := readNode(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{name, value})
	}
	return n, closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return jsonError(d, err)
	}
	return nil
}

func jsonError(d *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("is not JSON, at byte %d: %w", d.InputOffset(), err)
}
