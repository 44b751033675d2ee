package insight

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"cairn/event"
)

// eventVersion is that of Insights events.
const eventVersion = "1.09"

// id returns the eventID of a finding, or with part "" the id that its two events
// share. It follows from what is found, so that finding it again makes the same
// event.
func (f *Finding) id(part string) string {
	what := []string{f.Account, f.Region, f.Source, f.Name, f.ErrorCode, fmt.Sprint(f.Start), part}
	if f.Trail != "" {
		what = append(what, f.Trail)
	}
	sum := sha256.Sum256([]byte(strings.Join(what, "\x00")))
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x40 // the bits of a random id, which readers expect
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// The states of Insights events.
const (
	stateStart = "Start"
	stateEnd   = "End"
)

// record is an Insights event, with members in CloudTrail's order (spec 2.8).
type record struct {
	EventVersion       string  `json:"eventVersion"`
	EventTime          string  `json:"eventTime"`
	AWSRegion          string  `json:"awsRegion"`
	EventID            string  `json:"eventID"`
	EventType          string  `json:"eventType"`
	RecipientAccountID string  `json:"recipientAccountId"`
	SharedEventID      string  `json:"sharedEventID"`
	InsightDetails     details `json:"insightDetails"`
	EventCategory      string  `json:"eventCategory"`
}

type details struct {
	State          string `json:"state"`
	EventSource    string `json:"eventSource"`
	EventName      string `json:"eventName"`
	InsightType    string `json:"insightType"`
	ErrorCode      string `json:"errorCode,omitempty"`
	SourceCategory string `json:"sourceEventCategory"`
	InsightContext struct {
		Statistics   statistics    `json:"statistics"`
		Attributions []attribution `json:"attributions"`
	} `json:"insightContext"`
	// InsightSource is the trail whose data events these are.
	InsightSource string `json:"insightSource,omitempty"`
}

type statistics struct {
	Baseline         average `json:"baseline"`
	Insight          average `json:"insight"`
	InsightDuration  int64   `json:"insightDuration"`
	BaselineDuration int64   `json:"baselineDuration"`
}

type average struct {
	Average float64 `json:"average"`
}

type attribution struct {
	Attribute string  `json:"attribute"`
	Insight   []Share `json:"insight"`
	Baseline  []Share `json:"baseline"`
}

// attributeNames are the attributes' names in records. Those of an error rate tell
// no error codes: there is one.
var attributeNames = [attributes]string{byUser: "userIdentityArn", byAgent: "userAgent", byError: "errorCode"}

// Entry returns the Insights event of a finding. Its time is that of the start of
// the activity, or of its end.
func (f *Finding) Entry() (event.Entry, error) {
	state, at := stateStart, timeOf(f.Start)
	if f.End {
		state, at = stateEnd, timeOf(f.Start+f.Minutes)
	}
	r := record{
		EventVersion: eventVersion, EventTime: at.Format("2006-01-02T15:04:05Z"), AWSRegion: f.Region, EventID: f.id(state),
		EventType: event.InsightEvent, RecipientAccountID: f.Account, SharedEventID: f.id(""), EventCategory: event.Insight,
		InsightDetails: details{
			State: state, EventSource: f.Source, EventName: f.Name, InsightType: f.Type(), ErrorCode: f.ErrorCode,
			SourceCategory: event.Management, InsightSource: f.Trail,
		},
	}
	if f.Trail != "" {
		r.InsightDetails.SourceCategory = event.Data
	}
	c := &r.InsightDetails.InsightContext
	c.Statistics = statistics{
		Baseline: average{f.Baseline.Average}, Insight: average{f.Average},
		InsightDuration: f.Minutes, BaselineDuration: f.Baseline.Minutes,
	}
	for i, name := range attributeNames {
		if i == byError && f.ErrorCode != "" {
			continue
		}
		c.Attributions = append(c.Attributions, attribution{name, list(f.Shares[i]), list(f.Baseline.Shares[i])})
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(&r); err != nil {
		return event.Entry{}, fmt.Errorf("encode Insights event: %w", err)
	}
	h := event.Header{
		ID: r.EventID, Time: at, Account: f.Account, Region: f.Region, Source: f.Source, Name: f.Name,
		Category: event.Insight, Type: event.InsightEvent, ErrorCode: f.ErrorCode,
	}
	if f.Trail != "" {
		h.Resources = []event.Resource{{Type: event.InsightTrail, ARN: f.Trail}}
	}
	return event.Entry{Header: h, JSON: []byte(strings.TrimSuffix(b.String(), "\n"))}, nil
}

// list returns shares as records have them: an empty list, not null.
func list(s []Share) []Share {
	if s == nil {
		return []Share{}
	}
	return s
}
