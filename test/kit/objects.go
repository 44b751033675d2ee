package kit

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Keys returns the keys in a bucket that hold a text, in order.
func Keys(ctx context.Context, t testing.TB, client *s3.Client, bucket, with string) (keys []string) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			if key := aws.ToString(o.Key); strings.Contains(key, with) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
