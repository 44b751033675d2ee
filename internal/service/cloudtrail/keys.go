package cloudtrail

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/internal/call"
)

// listPublicKeys lists the keys of the region that are valid at some time of the
// range, on one page; there are thirteen a year. Times default to now (spec 3.4).
func (s *Service) listPublicKeys(_ context.Context, g *call.Granted, in *sdk.ListPublicKeysInput) (*sdk.ListPublicKeysOutput, error) {
	from, to := s.Now(), s.Now()
	give(&from, in.StartTime)
	give(&to, in.EndTime)
	switch {
	case value(in.NextToken) != "":
		return nil, refuse("InvalidTokenException", "NextToken %s was not given out: all keys are on one page.", *in.NextToken)
	case to.Before(from):
		return nil, refuse("InvalidTimeRangeException", "StartTime must be before EndTime. A time that is not given is the current time.")
	}
	out := &sdk.ListPublicKeysOutput{PublicKeyList: []types.PublicKey{}}
	for _, k := range s.Keys.Public(g.Region, from, to) {
		out.PublicKeyList = append(out.PublicKeyList, types.PublicKey{
			Fingerprint: &k.Fingerprint, Value: k.Value, ValidityStartTime: &k.ValidFrom, ValidityEndTime: &k.ValidTo,
		})
	}
	return out, nil
}
