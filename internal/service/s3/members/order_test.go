package members

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSort puts names in one way and gets them as genuine records have
// them.
func TestSort(t *testing.T) {
	for _, row := range []struct {
		buckets  int
		put, got string
	}{
		{ParameterTable, "acl bucketName Host", "bucketName Host acl"},
		{ParameterTable, "accelerate bucketName Host", "accelerate bucketName Host"},
		{ParameterTable, "location bucketName Host", "bucketName location Host"},
		{ParameterTable, "lifecycle bucketName Host LifecycleConfiguration", "lifecycle bucketName LifecycleConfiguration Host"},
		{ParameterTable, "versioning bucketName Host VersioningConfiguration", "bucketName Host versioning VersioningConfiguration"},
		{ParameterTable, "policy bucketName Host bucketPolicy", "bucketPolicy bucketName Host policy"},
		{
			ParameterTable, "bucketName key Host x-amz-acl x-amz-server-side-encryption",
			"bucketName Host x-amz-acl x-amz-server-side-encryption key",
		},
		{
			ParameterTable, "X-Amz-Algorithm X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders bucketName key Host x-amz-acl x-amz-storage-class",
			"X-Amz-Date bucketName X-Amz-Algorithm x-amz-acl X-Amz-SignedHeaders Host X-Amz-Expires key x-amz-storage-class",
		},
		{ElementTable, "TagSet xmlns", "xmlns TagSet"},
		{ElementTable, "Status xmlns", "Status xmlns"},
		{ElementTable, "Key Value", "Value Key"},
		{ElementTable, "ID Filter Expiration Status", "Status Filter Expiration ID"},
	} {
		names := strings.Fields(row.put)
		Sort(names, row.buckets)
		if d := cmp.Diff(strings.Fields(row.got), names); d != "" {
			t.Errorf("put as %s (-genuine +ours):\n%s", row.put, d)
		}
	}
}
