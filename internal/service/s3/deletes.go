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
	allowed := config.El("Delete")
	result := config.El("DeleteResult")
	for _, o := range wanted {
		err := s.mayDelete(g, in, o.At("Key"), o.At("VersionId"))
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
		allowed.Kids = append(allowed.Kids, o)
	}
	if len(allowed.Kids) == 0 {
		return document(result), nil
	}
	keys := make([]string, len(allowed.Kids))
	for i, o := range allowed.Kids {
		keys[i] = o.At("Key")
	}
	return s.write(in, keys, func() (*Output, error) {
		done, err := s.deleteAll(ctx, in, allowed)
		if err != nil {
			return nil, err
		}
		if quiet {
			done.Kids = done.All("Error")
		}
		result.Kids = append(done.Kids, result.Kids...)
		return document(result), nil
	})
}

// mayDelete says why an object cannot be deleted by the caller, or nil.
func (s *Service) mayDelete(g *call.Granted, in *Input, key, version string) error {
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
		k, err := s.check(g.Call, one, in.bucket, a, key)
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
