package sts

import (
	"slices"

	"cairn/event"
	"cairn/internal/call"
	"cairn/internal/identity"
)

// record notes which endpoint answered (spec 2.5).
func record(c *call.Call, _ any, r *event.Record) {
	if c.Principal.Kind == identity.AWSService {
		return // a service reaches STS inside the engine, over no endpoint
	}
	b := []byte(`{"RequestDetails":{"endpointType":"regional","awsServingRegion":`)
	if c.Op.GlobalIn(c.Region) {
		b = []byte(`{"RequestDetails":{"endpointType":"global","awsServingRegion":`)
	}
	r.AdditionalEventData = append(event.AppendString(b, c.Region), "}}"...)
}

// with returns a JSON object with one more member, as its first or its last.
func with(object []byte, first bool, name string, value []byte) []byte {
	if len(object) <= len("{}") {
		object = []byte("{}")
	}
	member := append(append(event.AppendString(nil, name), ':'), value...)
	inside := object[1 : len(object)-1]
	switch {
	case len(inside) == 0:
	case first:
		member = append(append(member, ','), inside...)
	default:
		member = slices.Concat(inside, []byte{','}, member)
	}
	return slices.Concat([]byte{'{'}, member, []byte{'}'})
}

// tagObject writes tags as an object of values by key.
func tagObject(tags []identity.Tag) []byte {
	b := []byte{'{'}
	for i, t := range tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendString(append(event.AppendString(b, t.Key), ':'), t.Value)
	}
	return append(b, '}')
}

func stringList(texts []string) []byte {
	b := []byte{'['}
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendString(b, s)
	}
	return append(b, ']')
}
