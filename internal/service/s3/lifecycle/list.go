package lifecycle

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/service/s3/objects"
)

// listing is what the object store lists, of versions or of uploads.
type listing struct {
	IsTruncated         bool
	NextKeyMarker       string
	NextVersionIDMarker string     `xml:"NextVersionIdMarker"`
	NextUploadIDMarker  string     `xml:"NextUploadIdMarker"`
	Versions            []listed   `xml:"Version"`
	Markers             []listed   `xml:"DeleteMarker"`
	Uploads             []uploaded `xml:"Upload"`
}

type listed struct {
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified time.Time
	Size         int64
}

type uploaded struct {
	Key       string
	UploadID  string `xml:"UploadId"`
	Initiated time.Time
}

// read gets a document of a bucket or object from the store.
func (r *Runner) read(ctx context.Context, req *objects.Request, into any) error {
	req.Method = http.MethodGet
	resp, err := r.o.Objects.Ask(ctx, req)
	if err != nil {
		return err
	}
	err = xml.NewDecoder(resp.Body).Decode(into)
	return errors.Join(err, resp.Body.Close())
}

// keys yields all versions of one key after another, of the keys with a prefix.
func (r *Runner) keys(ctx context.Context, bucket, prefix string) iter.Seq2[[]Version, error] {
	return func(yield func([]Version, error) bool) {
		q := url.Values{"versions": {""}, "prefix": {prefix}}
		var held []Version // of the last key of the page: the next one may have more
		for {
			var page listing
			if err := r.read(ctx, &objects.Request{Bucket: bucket, Query: q}, &page); err != nil {
				yield(nil, fmt.Errorf("list versions of bucket %s: %w", bucket, err))
				return
			}
			groups, order := page.group(held)
			for i, key := range order {
				if i == len(order)-1 && page.IsTruncated {
					break
				}
				if !yield(groups[key], nil) {
					return
				}
			}
			if !page.IsTruncated {
				return
			}
			held = nil
			if len(order) > 0 {
				held = groups[order[len(order)-1]]
			}
			q.Set("key-marker", page.NextKeyMarker)
			if q.Del("version-id-marker"); page.NextVersionIDMarker != "" {
				q.Set("version-id-marker", page.NextVersionIDMarker)
			}
		}
	}
}

// group sorts a page by key. The page has versions and delete markers apart;
// each of the two is in the order of keys, so the last key of the page is the
// greater of their last ones.
func (l *listing) group(held []Version) (groups map[string][]Version, order []string) {
	groups = map[string][]Version{}
	add := func(v Version) {
		if _, ok := groups[v.Key]; !ok {
			order = append(order, v.Key)
		}
		groups[v.Key] = append(groups[v.Key], v)
	}
	for _, v := range held {
		add(v)
	}
	i, j := 0, 0
	for i < len(l.Versions) || j < len(l.Markers) {
		if j == len(l.Markers) || i < len(l.Versions) && l.Versions[i].Key <= l.Markers[j].Key {
			add(l.Versions[i].version(false))
			i++
		} else {
			add(l.Markers[j].version(true))
			j++
		}
	}
	return groups, order
}

func (v *listed) version(marker bool) Version {
	at := v.LastModified
	if born, ok := objects.Born(v.VersionID); ok {
		at = born // the listing has whole seconds
	}
	return Version{Key: v.Key, ID: v.VersionID, Latest: v.IsLatest, Marker: marker, Modified: at, Size: v.Size}
}

// uploads lists all unfinished uploads of a bucket.
func (r *Runner) uploads(ctx context.Context, bucket string) ([]uploaded, error) {
	var all []uploaded
	q := url.Values{"uploads": {""}}
	for {
		var page listing
		if err := r.read(ctx, &objects.Request{Bucket: bucket, Query: q}, &page); err != nil {
			return nil, fmt.Errorf("list uploads of bucket %s: %w", bucket, err)
		}
		all = append(all, page.Uploads...)
		if !page.IsTruncated {
			return all, nil
		}
		q.Set("key-marker", page.NextKeyMarker)
		q.Set("upload-id-marker", page.NextUploadIDMarker)
	}
}

// tags returns a function that reads versions' tags.
func (r *Runner) tags(ctx context.Context, bucket string) Tags {
	return func(v *Version) (map[string]string, error) {
		q := url.Values{"tagging": {""}}
		if v.ID != null || !v.Latest {
			q.Set("versionId", v.ID)
		}
		var doc struct {
			Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
		}
		err := r.read(ctx, &objects.Request{Bucket: bucket, Key: v.Key, Query: q}, &doc)
		if awserr.Is(err, "NoSuchKey") || awserr.Is(err, "NoSuchVersion") || awserr.Is(err, "NoSuchTagSet") {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read tags of %s/%s: %w", bucket, v.Key, err)
		}
		set := make(map[string]string, len(doc.Tags))
		for _, t := range doc.Tags {
			set[t.Key] = t.Value
		}
		return set, nil
	}
}
