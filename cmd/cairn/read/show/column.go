package show

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cairn/internal/logquery"
	"cairn/internal/spell"
)

// Column makes one value of a table or CSV file from a record.
type Column struct {
	// Name is how it is asked for, and its head in a CSV file.
	Name string
	// Paths are the fields it is made of.
	Paths []string
	// Text makes the value from the JSON of each of Paths, nil where a record
	// has no such field.
	Text func(fields [][]byte) string
}

// File is the name of the column that tells in which file a record is. It is
// made of no field.
const File = "file"

// one returns a column that is one field.
func one(name, path string) Column {
	return Column{name, []string{path}, func(f [][]byte) string { return Plainly(f[0]) }}
}

// columns are the columns with a name of their own.
var columns = []Column{
	one("time", "eventTime"),
	{"who", whoPaths, who},
	{"what", []string{"eventSource", "eventName"}, what},
	{"on", onPaths, on},
	{"from", []string{"sourceIPAddress"}, func(f [][]byte) string { return Plainly(f[0]) }},
	{"result", []string{"errorCode", "errorMessage", "responseElements"}, result},
	{"user", []string{"userIdentity.arn", "userIdentity.userName", "userIdentity.principalId", "userIdentity.invokedBy"}, first},
	one("event", "eventName"), one("source", "eventSource"), one("region", "awsRegion"),
	{"account", []string{"recipientAccountId", "userIdentity.accountId"}, first},
	{"key", []string{"userIdentity.accessKeyId"}, first},
	{"role", []string{"userIdentity.sessionContext.sessionIssuer.arn"}, first},
	one("type", "userIdentity.type"), one("ip", "sourceIPAddress"), one("agent", "userAgent"),
	one("error", "errorCode"), one("message", "errorMessage"), one("read-only", "readOnly"),
	one("request-id", "requestID"), one("event-id", "eventID"),
	one("request", "requestParameters"), one("response", "responseElements"),
	{File, nil, func([][]byte) string { return "" }},
}

// Usual are the columns of a table unless others are asked for.
var Usual = []string{"time", "who", "what", "on", "from", "result"}

// UsualCSV are those of a CSV file: fields, since programs read them.
var UsualCSV = []string{"time", "account", "region", "user", "type", "source", "event", "on", "ip", "agent", "error", "message", "read-only", "request-id", "event-id"}

// ColumnNames are the columns with a name of their own.
func ColumnNames() (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// ParseColumns reads a list of names of columns and paths of fields, separated
// by commas. A path has a dot in it or is that of a member every record has.
func ParseColumns(list string) ([]Column, error) {
	var cs []Column
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		c, err := column(name)
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
	}
	return cs, nil
}

// Columns returns columns by names known to be right.
func Columns(names []string) []Column {
	cs, err := ParseColumns(strings.Join(names, ","))
	if err != nil {
		panic(err) // a name in this program is wrong
	}
	return cs
}

func column(name string) (Column, error) {
	if i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name }); i >= 0 {
		return columns[i], nil
	}
	path, err := path(name, ColumnNames())
	return one(name, path), err
}

// members are the members of a record. Insights and aggregated events have
// some of their own.
var members = []string{
	"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent",
	"errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID",
	"readOnly", "resources", "eventType", "apiVersion", "managementEvent", "recipientAccountId", "sharedEventID",
	"serviceEventDetails", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory", "addendum", "tlsDetails",
	"sessionCredentialFromConsole", "edgeDeviceDetails", "insightDetails", "annotation", "eventContext", "networkActivityEvent",
}

// aliases are columns of one field that can be counted by, too.
var aliases = map[string]string{
	"time": "eventTime", "event": "eventName", "source": "eventSource", "region": "awsRegion", "account": "recipientAccountId",
	"user": "userIdentity.arn", "key": "userIdentity.accessKeyId", "role": "userIdentity.sessionContext.sessionIssuer.arn",
	"type": "userIdentity.type", "ip": "sourceIPAddress", "agent": "userAgent", "error": "errorCode", "message": "errorMessage",
	"read-only": "readOnly", "request-id": "requestID", "event-id": "eventID", "request": "requestParameters", "response": "responseElements",
}

// Path returns the path of the field that a word means: a member of records, or
// a path that begins with one, or the name of a column of a table or of the
// events table that is one field.
func Path(word string) (string, error) { return path(word, slices.Sorted(maps.Keys(aliases))) }

// path reads the path of a field; names are those a word may be instead.
func path(word string, names []string) (string, error) {
	if path, ok := aliases[word]; ok {
		return path, nil
	}
	if i := slices.IndexFunc(logquery.Columns(), func(c logquery.Column) bool { return c.Name == word && c.Path != "" }); i >= 0 {
		return logquery.Columns()[i].Path, nil
	}
	path := strings.TrimPrefix(word, "$.")
	head := top(path)
	if slices.Contains(members, head) {
		return path, logquery.CheckPath(path)
	}
	return "", fmt.Errorf("%q is not a field of records%s (fields are eventName, userIdentity.arn, requestParameters.bucketName and so on, or one of %s)",
		word, meant(head, slices.Concat(members, names)), strings.Join(names, ", "))
}

// top is the first member of a path.
func top(path string) string { return path[:len(path)-len(strings.TrimLeft(path, letters))] }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// meant names the word that was probably meant.
func meant(word string, known []string) (hint string) {
	const longest = 60 // nobody mistypes a longer one
	if len(word) > longest {
		return ""
	}
	best := 3 // more than two typing errors are another word
	for _, k := range known {
		if d := spell.Distance(strings.ToLower(word), strings.ToLower(k)); d < best && d < len(word) {
			best, hint = d, fmt.Sprintf("; did you mean %s?", k)
		}
	}
	return hint
}

// Unknown says, of a path that begins with no member records are known to have,
// what may be wrong. Records may get members that this program does not know, so
// that is no error.
func Unknown(path string) string {
	head := top(strings.TrimPrefix(path, "$."))
	if head == "" || slices.Contains(members, head) {
		return ""
	}
	return "records have no field " + head + meant(head, members)
}

// Plainly returns a JSON value as text: strings without their quotes, null as
// nothing, anything else as its JSON.
func Plainly(raw []byte) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// first is the first field that is not empty.
func first(fields [][]byte) string {
	for _, f := range fields {
		if s := Plainly(f); s != "" {
			return s
		}
	}
	return ""
}
