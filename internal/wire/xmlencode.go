package wire

import (
	"encoding/base64"
	"net/http"
	"reflect"
	"strconv"
	"unicode/utf8"

	"cairn/internal/awserr"
)

// emptyResult holds the operations of IAM whose Result element is there although
// it can hold nothing; clients fail without it.
var emptyResult = map[string]bool{"PutAccountProperties": true, "UpdateRole": true}

// queryReply writes an awsQuery answer. Other operations whose output has no
// members have no Result element, as at AWS.
func (c *Codec) queryReply(op, requestID string, l *layout, v reflect.Value) ([]byte, error) {
	x := &xmlWriter{b: make([]byte, 0, 1024), item: "member", times: "2006-01-02T15:04:05Z"}
	x.openRoot(op+"Response", c.Namespace)
	if len(l.members) > 0 || emptyResult[op] {
		x.open(op + "Result")
		if err := x.structure(l, v); err != nil {
			return nil, err
		}
		x.close(op + "Result")
	}
	x.open("ResponseMetadata")
	x.text("RequestId", requestID)
	x.close("ResponseMetadata")
	x.close(op + "Response")
	return x.b, nil
}

// ec2Reply writes an ec2Query answer. Operations whose output has no members
// answer <return>true</return>, as at AWS.
func (c *Codec) ec2Reply(op, requestID string, l *layout, v reflect.Value) ([]byte, error) {
	x := &xmlWriter{b: make([]byte, 0, 4096), item: "item", times: "2006-01-02T15:04:05.000Z"}
	x.b = append(x.b, xmlHeader...)
	x.openRoot(op+"Response", c.Namespace)
	x.text("requestId", requestID)
	if len(l.members) == 0 {
		x.text("return", "true")
	}
	if err := x.structure(l, v); err != nil {
		return nil, err
	}
	x.close(op + "Response")
	return x.b, nil
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// errorXML writes the error body of the query protocols.
func (c *Codec) errorXML(e *awserr.Error, requestID string) []byte {
	x := &xmlWriter{b: make([]byte, 0, 512)}
	if c.Protocol == EC2 {
		x.b = append(x.b, xmlHeader...)
		x.open("Response")
		x.open("Errors")
		x.open("Error")
		x.text("Code", e.Code)
		x.text("Message", e.Message)
		x.details(e)
		x.close("Error")
		x.close("Errors")
		x.text("RequestID", requestID)
		x.close("Response")
		return x.b
	}
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	x.openRoot("ErrorResponse", c.Namespace)
	x.open("Error")
	x.text("Type", fault)
	x.text("Code", e.Code)
	x.text("Message", e.Message)
	x.details(e)
	x.close("Error")
	x.text("RequestId", requestID)
	x.close("ErrorResponse")
	return x.b
}

// xmlWriter appends XML. Element names are the SDK's and the tables': plain
// ASCII letters and digits.
type xmlWriter struct {
	b []byte
	// item is the element around each entry of a list.
	item string
	// times is the layout of times.
	times string
}

func (x *xmlWriter) open(name string) {
	x.b = append(x.b, '<')
	x.b = append(x.b, name...)
	x.b = append(x.b, '>')
}

func (x *xmlWriter) close(name string) {
	x.b = append(x.b, '<', '/')
	x.b = append(x.b, name...)
	x.b = append(x.b, '>')
}

func (x *xmlWriter) openRoot(name, namespace string) {
	x.b = append(x.b, '<')
	x.b = append(x.b, name...)
	if namespace != "" {
		x.b = append(x.b, ` xmlns="`...)
		x.b = appendXMLText(x.b, namespace)
		x.b = append(x.b, '"')
	}
	x.b = append(x.b, '>')
}

func (x *xmlWriter) text(name, value string) {
	x.open(name)
	x.b = appendXMLText(x.b, value)
	x.close(name)
}

func (x *xmlWriter) details(e *awserr.Error) {
	for _, k := range sortedNames(e.Detail) {
		x.text(k, e.Detail[k])
	}
}

func (x *xmlWriter) structure(l *layout, v reflect.Value) error {
	for i := range l.members {
		m := &l.members[i]
		f, ok := present(m.lay, v.Field(m.index))
		if !ok {
			continue
		}
		if err := x.element(m.out, m.lay, f); err != nil {
			return within(err, m.out)
		}
	}
	return nil
}

// element writes a value that is present, behind any pointer.
func (x *xmlWriter) element(name string, l *layout, v reflect.Value) error {
	x.open(name)
	switch l.kind {
	case text, enum:
		x.b = appendXMLText(x.b, v.String())
	case boolean:
		x.b = strconv.AppendBool(x.b, v.Bool())
	case integer:
		x.b = strconv.AppendInt(x.b, v.Int(), 10)
	case float:
		x.b = strconv.AppendFloat(x.b, v.Float(), 'f', -1, l.typ.Bits())
	case instant:
		x.b = timeOf(v).UTC().AppendFormat(x.b, x.times)
	case blob:
		x.b = base64.StdEncoding.AppendEncode(x.b, v.Bytes())
	case list:
		for i := range v.Len() {
			if err := x.element(x.item, l.elem, v.Index(i)); err != nil {
				return within(err, strconv.Itoa(i+1))
			}
		}
	case dict:
		for _, k := range sortedKeys(v) {
			x.open("entry")
			x.text("key", k.String())
			if err := x.element("value", l.elem, v.MapIndex(k)); err != nil {
				return within(err, k.String())
			}
			x.close("entry")
		}
	case structure:
		if err := x.structure(l.body(), v); err != nil {
			return err
		}
	case foreign:
		return errForeign(l)
	}
	x.close(name)
	return nil
}

// appendXMLText appends s, escaped for text and attributes alike. Carriage
// returns and line ends are written as references, because XML readers change
// them otherwise; what XML cannot hold at all becomes U+FFFD.
func appendXMLText(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		var ref string
		size := 1
		switch c := s[i]; {
		case c == '&':
			ref = "&amp;"
		case c == '<':
			ref = "&lt;"
		case c == '>':
			ref = "&gt;"
		case c == '"':
			ref = "&quot;"
		case c == '\r':
			ref = "&#xD;"
		case c == '\n':
			ref = "&#xA;"
		case c == '\t':
			ref = "&#x9;"
		case c < 0x20:
			ref = "\ufffd"
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
				ref = "\ufffd"
			}
		}
		if ref != "" {
			dst = append(dst, s[start:i]...)
			dst = append(dst, ref...)
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}
