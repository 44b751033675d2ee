package config

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"cairn/event"
	"cairn/internal/service/s3/members"
)

// Namespace is the XML namespace of S3's documents.
const Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// Bounds on documents: S3's largest, DeleteObjects, has a thousand keys of a
// kilobyte, which XML escapes can double.
const (
	MaxDocument = 4 << 20
	maxDepth    = 12
	maxNodes    = 20_000
	maxParts    = 1_000 // of text that comments cut
)

// Node is an XML element. Either Text or Kids is used: S3's documents do not
// mix the two.
type Node struct {
	Name string
	// Space is the xmlns of the document's root; empty elsewhere.
	Space string
	// Type is the xsi:type attribute (of Grantee); empty elsewhere.
	Type string
	Text string
	Kids []*Node
}

// ParseXML reads a document. Declarations of entities, other attributes and
// text beside elements are refused.
func ParseXML(b []byte) (*Node, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	var (
		stack []*Node
		root  *Node
		count int
		parts int
	)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if root == nil || len(stack) > 0 {
				return nil, errors.New("parse XML: the document is empty or cut off")
			}
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(stack) == maxDepth || len(stack) == 0 && root != nil {
				return nil, errors.New("parse XML: too many or too deep elements")
			}
			n, err := open(t)
			if err != nil {
				return nil, err
			}
			if len(stack) == 0 {
				root, n.Space = n, t.Name.Space
			} else {
				parent := stack[len(stack)-1]
				parent.Kids = append(parent.Kids, n)
			}
			stack = append(stack, n)
		case xml.EndElement:
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if len(n.Kids) > 0 {
				if strings.TrimSpace(n.Text) != "" {
					return nil, fmt.Errorf("parse XML: element %s holds both text and elements", n.Name)
				}
				n.Text = ""
			}
		case xml.CharData:
			if len(stack) == 0 {
				continue
			}
			n := stack[len(stack)-1]
			if len(n.Kids) > 0 && len(bytes.TrimSpace(t)) == 0 {
				continue // what lies between elements means nothing
			}
			if n.Text != "" {
				// Comments cut text into parts, and each is put to a copy of the rest.
				if parts++; parts > maxParts {
					return nil, errors.New("parse XML: the text is cut into too many parts")
				}
			}
			n.Text += string(t)
		case xml.Directive:
			return nil, errors.New("parse XML: document types are not accepted")
		}
	}
}

func open(t xml.StartElement) (*Node, error) {
	n := &Node{Name: t.Name.Local}
	for _, a := range t.Attr {
		switch {
		case a.Name.Local == "xmlns" || a.Name.Space == "xmlns":
		case a.Name.Local == "type":
			n.Type = a.Value
		case a.Name.Local == "schemaLocation":
		default:
			return nil, fmt.Errorf("parse XML: element %s has the unknown attribute %s", n.Name, a.Name.Local)
		}
	}
	return n, nil
}

// El makes an element with kids, and Leaf one with text.
func El(name string, kids ...*Node) *Node { return &Node{Name: name, Kids: kids} }

// Leaf makes an element with text.
func Leaf(name, text string) *Node { return &Node{Name: name, Text: text} }

// Find follows names down from n and returns the first such element, or nil.
// It may be called on nil.
func (n *Node) Find(names ...string) *Node {
	for _, name := range names {
		var next *Node
		for _, k := range n.All(name) {
			next = k
			break
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// All returns the children of a name. It may be called on nil.
func (n *Node) All(name string) []*Node {
	if n == nil {
		return nil
	}
	var list []*Node
	for _, k := range n.Kids {
		if k.Name == name {
			list = append(list, k)
		}
	}
	return list
}

// At returns the text of the first element Find would find, or "".
func (n *Node) At(names ...string) string {
	if k := n.Find(names...); k != nil {
		return k.Text
	}
	return ""
}

// XML returns the document with S3's namespace on its root.
func (n *Node) XML() []byte {
	b := append([]byte(nil), xml.Header...)
	return n.append(b, ` xmlns="`+Namespace+`"`)
}

// PlainXML returns the document without a namespace, as error replies are.
func (n *Node) PlainXML() []byte { return n.append(append([]byte(nil), xml.Header...), "") }

func (n *Node) append(b []byte, attrs string) []byte {
	if n.Type != "" {
		attrs += ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="` + escaped(n.Type) + `"`
	}
	b = append(append(append(b, '<'), n.Name...), attrs...)
	if n.Text == "" && len(n.Kids) == 0 {
		return append(b, "/>"...)
	}
	b = append(append(b, '>'), escaped(n.Text)...)
	for _, k := range n.Kids {
		b = k.append(b, "")
	}
	return append(append(append(b, "</"...), n.Name...), '>')
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer does not fail
	return b.String()
}

// AppendJSON appends the element's value as records hold it: an object with its
// members in the order of records, repeated elements as arrays, and text that
// looks like a boolean or a whole number as one (genuine records have
// "Value":true for a tag's value "true").
func (n *Node) AppendJSON(b []byte) []byte {
	if len(n.Kids) == 0 && n.Space == "" {
		return appendScalar(b, n.Text)
	}
	var names []string
	if n.Space != "" {
		names = append(names, "xmlns")
	}
	for _, k := range n.Kids {
		if !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	members.Sort(names, members.ElementTable)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(event.AppendString(b, name), ':')
		if name == "xmlns" && n.Space != "" {
			b = event.AppendString(b, n.Space)
			continue
		}
		b = appendAll(b, n.All(name))
	}
	return append(b, '}')
}

// appendAll appends elements of one name: one as it is, several as an array.
func appendAll(b []byte, list []*Node) []byte {
	if len(list) == 1 {
		return list[0].AppendJSON(b)
	}
	b = append(b, '[')
	for i, k := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = k.AppendJSON(b)
	}
	return append(b, ']')
}

func appendScalar(b []byte, text string) []byte {
	if text == "true" || text == "false" {
		return append(b, text...)
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(v, 10) == text {
		return append(b, text...)
	}
	return event.AppendString(b, text)
}
