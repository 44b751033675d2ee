package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestDecodeCounts refuses bodies of more elements, or bytes, than any call has.
func TestDecodeCounts(t *testing.T) {
	json := cloudTrailCodec()
	list := func(n int) string { return `{"trailNameList":[` + strings.Repeat(`"a",`, n-1) + `"a"]}` }
	if err := json.Decode([]byte(list(100_000)), &cloudtrail.DescribeTrailsInput{}); err != nil {
		t.Errorf("a long list: %v", err)
	}
	refused(t, json, list(100_001), &cloudtrail.DescribeTrailsInput{}, "SerializationException", "100000")
	var form strings.Builder
	for n := range 100_001 {
		fmt.Fprintf(&form, "A%d=1&", n)
	}
	refused(t, iamCodec(), form.String(), &iam.CreateRoleInput{}, "ValidationError", "more than 100000")
}
