package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5 is S3's
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// maxDeletes is how many objects one DeleteObjects may name.
const maxDeletes = 1000

// deleteObjects deletes the objects the caller may delete and reports the
// others, key by key.
func deleteObjects(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	doc, err := in.readDocument(g.Call, "Delete")
	if err != nil {
		return nil, err
	}
	in.doc = nil // genuine records do not list the keys
	wanted := doc.All("Object")
	if len(wanted) > maxDeletes {
		return nil, awserr.New(http.StatusBadRequest, "MalformedXML", "A request names at most %d objects; this one names %d.", maxDeletes, len(wanted))
	}
	quiet := strings.EqualFold(doc.At("Quiet"), "true")
	var allowed []*config.Node
	result := config.El("DeleteResult")
	for _, o := range wanted {
		if ctx.Err() != nil {
			return nil, leftUndone(ctx, 0, len(wanted))
		}
		err := s.mayDelete(ctx, g, in, o.At("Key"), o.At("VersionId"))
		if err == nil {
			err = s.notHeld(ctx, in.bucket, o.At("Key"), o.At("VersionId"))
		}
		if err != nil {
			e := awserr.From(err)
			failed := config.El("Error", config.Leaf("Key", o.At("Key")))
			if v := o.At("VersionId"); v != "" {
				failed.Kids = append(failed.Kids, config.Leaf("VersionId", v))
			}
			failed.Kids = append(failed.Kids, config.Leaf("Code", e.Code), config.Leaf("Message", e.Message))
			result.Kids = append(result.Kids, failed)
			continue
		}
		allowed = append(allowed, o)
	}
	if len(allowed) == 0 {
		return document(result), nil
	}
	keys := make([]string, len(allowed))
	for i, o := range allowed {
		keys[i] = o.At("Key")
	}
	return s.write(in, keys, func() (*Output, error) {
		var done []*config.Node
		asked := 0
		for batch := range slices.Chunk(allowed, deleteBatch) {
			answer, err := s.deleteAll(ctx, in, config.El("Delete", batch...))
			if err != nil {
				if ctx.Err() != nil {
					err = leftUndone(ctx, asked, len(wanted))
				}
				return nil, err
			}
			asked += len(batch)
			if quiet {
				answer.Kids = answer.All("Error")
			}
			done = append(done, answer.Kids...)
		}
		result.Kids = append(done, result.Kids...)
		return document(result), nil
	})
}

// deleteBatch is how many objects the store is asked to delete at a time. What it has
// begun it ends, so this is how many go after a caller has given up.
const deleteBatch = 20

// leftUndone is what a DeleteObjects ends with whose caller is gone. The record is
// the one place left to tell how far it came.
func leftUndone(ctx context.Context, asked, of int) error {
	return awserr.Wrap(context.Cause(ctx), http.StatusBadRequest, "RequestTimeout",
		"The caller hung up: the store was asked to delete %d of the %d objects named, the first that may be deleted, and no more.", asked, of)
}

// mayDelete says why an object cannot be deleted by the caller, or nil.
func (s *Service) mayDelete(ctx context.Context, g *call.Granted, in *Input, key, version string) error {
	if config.ValidKey(key) != nil || version != "" && !objects.ValidID(version) {
		return invalidArgument("Key", key, "The key or version id cannot be used.")
	}
	one := &Input{Header: in.Header, Query: url.Values{}}
	actions := []string{"s3:DeleteObject"}
	if version != "" {
		one.Query.Set("versionId", version)
		actions[0] = "s3:DeleteObjectVersion"
	}
	if bypasses(in) {
		actions = append(actions, "s3:BypassGovernanceRetention")
	}
	for _, a := range actions {
		k, err := s.check(ctx, g.Call, one, in.bucket, a, key)
		if err == nil {
			err = g.Allows(k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) deleteAll(ctx context.Context, in *Input, doc *config.Node) (*config.Node, error) {
	b := doc.XML()
	sum := md5.Sum(b) //nolint:gosec // Content-MD5 is S3's
	h := http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}
	if bypasses(in) {
		h.Set("X-Amz-Bypass-Governance-Retention", "true")
	}
	resp, err := s.ask(ctx, &objects.Request{
		Method: post, Bucket: in.Bucket, Query: url.Values{"delete": {""}}, Header: h, Body: bytes.NewReader(b), Length: int64(len(b)),
	}, in)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read what was deleted from bucket %s: %w", in.Bucket, err)
	}
	done, err := config.ParseXML(answer)
	if err != nil {
		return nil, fmt.Errorf("read what was deleted from bucket %s: %w", in.Bucket, err)
	}
	return done, nil
}
