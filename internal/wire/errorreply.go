package wire

import (
	"maps"
	"slices"

	"cairn/event"
	"cairn/internal/awserr"
)

// EncodeError makes the reply to a call that failed.
func (c *Codec) EncodeError(e *awserr.Error, requestID string) Reply {
	switch c.Protocol {
	case JSON10, JSON11:
		r := c.reply(e.Status, requestID, c.errorJSON(e))
		r.Header["X-Amzn-Errortype"] = []string{e.Code}
		return r
	case Query, EC2, RESTXML:
	}
	return c.reply(e.Status, requestID, c.errorXML(e, requestID))
}

// errorJSON writes the error body of the JSON protocols: the code, the message
// (capital M but for CloudWatch Logs, spec 4.1) and further members.
func (c *Codec) errorJSON(e *awserr.Error) []byte {
	message := "Message"
	if c.LowerCamel {
		message = "message"
	}
	b := append(make([]byte, 0, 256), '{')
	b = appendKey(b, "__type")
	b = event.AppendString(b, e.Code)
	b = appendKey(b, message)
	b = event.AppendString(b, e.Message)
	for _, k := range sortedNames(e.Detail) {
		b = appendKey(b, k)
		b = event.AppendString(b, e.Detail[k])
	}
	for _, k := range sortedNames(e.Object) {
		b = append(appendKey(b, k), e.Object[k]...)
	}
	return append(b, '}')
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
