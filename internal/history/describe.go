package history

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is a record as LookupEvents answers it. Texts are empty where the record
// has none.
type Event struct {
	ID     string
	Name   string
	Source string
	Time   time.Time
	// ReadOnly is "true", "false", or empty for Insights events.
	ReadOnly string
	// AccessKeyID and Username are the caller's, see username.
	AccessKeyID string
	Username    string
	Resources   []Resource
	// Record is the record itself.
	Record []byte
}

// Resource is a resource that a record names.
type Resource struct{ Type, Name string }

// record is what Describe reads of a record.
type record struct {
	EventID      string `json:"eventID"`
	EventName    string `json:"eventName"`
	EventSource  string `json:"eventSource"`
	EventTime    time.Time
	ReadOnly     *bool `json:"readOnly"`
	UserIdentity struct {
		Type        string `json:"type"`
		PrincipalID string `json:"principalId"`
		AccessKeyID string `json:"accessKeyId"`
		UserName    string `json:"userName"`
	} `json:"userIdentity"`
	RequestParameters json.RawMessage `json:"requestParameters"`
	ResponseElements  json.RawMessage `json:"responseElements"`
	Resources         []struct {
		Type      string `json:"type"`
		ARN       string
		ARNPrefix string
	} `json:"resources"`
	InsightDetails *struct {
		EventName   string `json:"eventName"`
		EventSource string `json:"eventSource"`
	} `json:"insightDetails"`
}

// Describe reads a record. It keeps the bytes.
func Describe(text []byte) (*Event, error) {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("decode record: %w", err)
	}
	e := &Event{
		ID: r.EventID, Name: r.EventName, Source: r.EventSource, Time: r.EventTime.UTC(),
		AccessKeyID: r.UserIdentity.AccessKeyID, Username: r.username(), Resources: r.resources(), Record: text,
	}
	if r.ReadOnly != nil {
		e.ReadOnly = strconv.FormatBool(*r.ReadOnly)
	}
	if d := r.InsightDetails; d != nil {
		e.Name, e.Source = d.EventName, d.EventSource
	}
	return e, nil
}

// rootUser is the user name of root users.
const rootUser = "root"

// username returns the caller's name: the user's, the role session's, "root"
// (spec 4.9), or none for services and callers of other accounts that are users.
func (r *record) username() string {
	u := &r.UserIdentity
	if u.Type == "Root" {
		return rootUser
	}
	if u.UserName != "" {
		return u.UserName
	}
	if _, session, ok := strings.Cut(u.PrincipalID, ":"); ok {
		return session
	}
	return ""
}

// resources returns the resources a record names: those of its resources member,
// and those its parameters and answer name, each once. How AWS finds them is not
// documented; the types are those of AWS Config, as in genuine answers.
func (r *record) resources() []Resource {
	f := finder{members: membersOf[r.EventSource], seen: map[Resource]bool{}}
	for i := range r.Resources {
		x := &r.Resources[i]
		switch {
		case x.ARN != "":
			f.add(x.Type, x.ARN)
		case x.ARNPrefix != "":
			f.add(x.Type, x.ARNPrefix)
		}
	}
	f.walk(r.RequestParameters)
	f.walk(r.ResponseElements)
	return f.found
}

// finder collects the resources that JSON values name.
type finder struct {
	members map[string]string
	seen    map[Resource]bool
	found   []Resource
}

// maxResources bounds the resources of one event: RunInstances answers with
// hundreds of interfaces.
const maxResources = 500

func (f *finder) add(typ, name string) {
	r := Resource{typ, name}
	if typ == "" || name == "" || f.seen[r] || len(f.found) == maxResources {
		return
	}
	f.seen[r] = true
	f.found = append(f.found, r)
}

// walk looks at every member of a JSON value, in order.
func (f *finder) walk(text json.RawMessage) {
	if len(f.members) == 0 || len(text) == 0 {
		return
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	f.value(d, "", 0)
}

// maxNesting bounds the nesting that is looked into.
const maxNesting = 32

// value reads one value, which is the member's, or an element of it.
func (f *finder) value(d *json.Decoder, member string, depth int) bool {
	token, err := d.Token()
	if err != nil || depth > maxNesting {
		return false
	}
	switch t := token.(type) {
	case string:
		f.text(member, t)
	case json.Delim:
		for d.More() {
			if t == '{' {
				name, err := d.Token()
				if err != nil {
					return false
				}
				member, _ = name.(string)
			}
			if !f.value(d, member, depth+1) {
				return false
			}
		}
		if _, err := d.Token(); err != nil { // its end
			return false
		}
	}
	return true
}

// text looks at a member that is text, or at an element of one that is a list.
func (f *finder) text(member, text string) {
	if strings.HasPrefix(text, "arn:") {
		f.add(typeOfARN(text), text)
		return
	}
	f.add(f.members[member], text)
}
