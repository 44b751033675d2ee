package config

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"regexp"
	"strings"
)

// encoded are the elements of listings that encoding-type=url is about.
//
// Source: ListObjectsV2, "EncodingType", and its siblings in the Amazon S3 API
// Reference.
var encoded = regexp.MustCompile(`<(Key|Prefix|Delimiter|Marker|NextMarker|StartAfter|KeyMarker|NextKeyMarker)>([^<]+)</`)

// EncodeListing encodes the keys in a listing for a caller who asked for
// encoding-type=url, and says so in it. A blank becomes %20, which is read the same
// whether "+" is taken for a blank or not.
func EncodeListing(doc []byte) []byte {
	doc = encoded.ReplaceAllFunc(doc, func(m []byte) []byte {
		parts := encoded.FindSubmatch(m)
		var text string
		if err := xml.Unmarshal([]byte("<t>"+string(parts[2])+"</t>"), &text); err != nil {
			return m // the object store writes XML
		}
		text = strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(text))
		return []byte("<" + string(parts[1]) + ">" + text + "</")
	})
	end := bytes.LastIndex(doc, []byte("</"))
	if end < 0 {
		return doc
	}
	return append(doc[:end:end], append([]byte("<EncodingType>url</EncodingType>"), doc[end:]...)...)
}
