package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// batch is one message of the stream.
type batch struct {
	seq  uint64
	data []byte
}

// maxFetch bounds the messages of one request.
const maxFetch = 4096

// getRequest asks the stream for messages (ADR-31 of NATS, "direct get").
type getRequest struct {
	Seq      uint64 `json:"seq"`
	Next     string `json:"next_by_subj"`
	Batch    int    `json:"batch,omitempty"`
	MaxBytes int    `json:"max_bytes,omitempty"`
}

func (j *Journal) api(name string) string {
	prefix := j.js.Options().APIPrefix
	if prefix == "" {
		prefix = jetstream.DefaultAPIPrefix
	}
	return prefix + name + "." + streamName
}

// fetch returns batches from seq on, as many as follow each other without a gap
// and fit in maxBytes, but one at least. It returns none if the first message at
// or after seq is not seq itself.
func (j *Journal) fetch(ctx context.Context, seq uint64, maxBytes int) ([]batch, error) {
	ctx, cancel := context.WithTimeout(ctx, j.o.tryTimeout)
	defer cancel()
	req, err := json.Marshal(getRequest{Seq: seq, Next: subject, Batch: maxFetch, MaxBytes: maxBytes})
	if err != nil {
		return nil, err
	}
	inbox := j.nc.NewInbox()
	sub, err := j.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is gone
	if err := j.nc.PublishRequest(j.api("DIRECT.GET"), inbox, req); err != nil {
		return nil, err
	}
	var list []batch
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			if len(list) > 0 && ctx.Err() != nil { // what came is good
				return list, nil
			}
			return nil, err
		}
		if status := m.Header.Get("Status"); status != "" {
			if status == "204" || status == "404" { // end of the answer; nothing there
				return list, nil
			}
			return nil, fmt.Errorf("status %s %s", status, m.Header.Get("Description"))
		}
		at, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("answer without a sequence number: %w", err)
		}
		if at != seq+uint64(len(list)) {
			return list, nil // a gap; whoever comes to it will look closer
		}
		list = append(list, batch{at, m.Data})
	}
}

// next asks the stream's leader for the first message at or after seq. A direct
// get may be answered by a replica that is behind or has rotted, so only the
// leader's word makes a gap.
func (j *Journal) next(ctx context.Context, seq uint64) (batch, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, j.o.tryTimeout)
	defer cancel()
	req, err := json.Marshal(getRequest{Seq: seq, Next: subject})
	if err != nil {
		return batch{}, false, err
	}
	m, err := j.nc.RequestWithContext(ctx, j.api("STREAM.MSG.GET"), req)
	if err != nil {
		return batch{}, false, err
	}
	var reply struct {
		Message *struct {
			Seq  uint64 `json:"seq"`
			Data []byte `json:"data"`
		} `json:"message"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &reply); err != nil {
		return batch{}, false, err
	}
	switch {
	case reply.Error != nil && reply.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return batch{}, false, nil
	case reply.Error != nil:
		return batch{}, false, reply.Error
	case reply.Message == nil || reply.Message.Seq < seq:
		return batch{}, false, errors.New("the store's answer makes no sense")
	}
	return batch{reply.Message.Seq, reply.Message.Data}, true, nil
}
