package cloudtrail

import (
	"context"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/internal/call"
	"cairn/internal/delivery"
	"cairn/internal/trail"
)

func (s *Service) addReads(a *call.API) {
	read(a, "GetTrail", func(in *sdk.GetTrailInput) *string { return in.Name }, s.getTrail)
	read(a, "GetTrailStatus", func(in *sdk.GetTrailStatusInput) *string { return in.Name }, s.getTrailStatus)
	for _, op := range []*call.Operation{
		call.New("DescribeTrails", s.describeTrails), call.New("ListTrails", s.listTrails), call.New("ListPublicKeys", s.listPublicKeys),
	} {
		op.ReadOnly = true
		a.Add(op)
	}
}

// described is a trail as GetTrail and DescribeTrails answer it: strings that
// are not set are absent, booleans always present (spec 4.5).
func described(t *trail.Trail) types.Trail {
	insights, organization, recursive := hasInsights(t), t.OrganizationID != "", !t.NoRecursion
	return types.Trail{
		Name: &t.Name, S3BucketName: &t.Bucket, S3KeyPrefix: set(t.Prefix), TrailARN: set(t.ARN()), HomeRegion: &t.HomeRegion,
		IncludeGlobalServiceEvents: &t.GlobalEvents, IsMultiRegionTrail: &t.MultiRegion, LogFileValidationEnabled: &t.Validate,
		CloudWatchLogsLogGroupArn: set(t.LogGroupARN), CloudWatchLogsRoleArn: set(t.RoleARN),
		HasCustomEventSelectors: &t.CustomSelectors, HasInsightSelectors: &insights, IsOrganizationTrail: &organization,
		RecursiveLogging: &recursive,
	}
}

func (s *Service) getTrail(_ context.Context, g *call.Granted, in *sdk.GetTrailInput) (*sdk.GetTrailOutput, error) {
	t, err := s.find(g, in.Name)
	if err != nil {
		return nil, err
	}
	d := described(t)
	return &sdk.GetTrailOutput{Trail: &d}, nil
}

// trails returns the trails an account sees, by account, home region and name.
func (s *Service) trails(account string) []*trail.Trail {
	var list []*trail.Trail
	for _, row := range s.Trails.List() {
		if visible(row.Value, account) {
			list = append(list, row.Value)
		}
	}
	return list
}

// describeTrails lists the trails of the region and those of other regions that
// appear in it; or the ones named, without those that do not exist (spec 4.5).
func (s *Service) describeTrails(_ context.Context, g *call.Granted, in *sdk.DescribeTrailsInput) (*sdk.DescribeTrailsOutput, error) {
	out := &sdk.DescribeTrailsOutput{TrailList: []types.Trail{}}
	if len(in.TrailNameList) == 0 {
		shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails
		for _, t := range s.trails(g.Account()) {
			if t.HomeRegion == g.Region || t.MultiRegion && shadows {
				out.TrailList = append(out.TrailList, described(t))
			}
		}
		return out, nil
	}
	seen := map[string]bool{}
	for _, name := range in.TrailNameList {
		ref, err := trail.ParseRef(name, g.Account(), g.Region)
		if err != nil {
			return nil, err
		}
		t, ok := s.Trails.Get(delivery.TrailKey(ref.Account, ref.Region, ref.Name)...)
		if ok && visible(t, g.Account()) && !seen[t.ID] {
			seen[t.ID] = true
			out.TrailList = append(out.TrailList, described(t))
		}
	}
	return out, nil
}

// listTrails lists the account's trails of all regions, on one page.
func (s *Service) listTrails(_ context.Context, g *call.Granted, in *sdk.ListTrailsInput) (*sdk.ListTrailsOutput, error) {
	if value(in.NextToken) != "" {
		return nil, refuse("InvalidParameterException", "NextToken %s was not given out: all trails are on one page.", *in.NextToken)
	}
	out := &sdk.ListTrailsOutput{Trails: []types.TrailInfo{}}
	for _, t := range s.trails(g.Account()) {
		out.Trails = append(out.Trails, types.TrailInfo{TrailARN: set(t.ARN()), Name: &t.Name, HomeRegion: &t.HomeRegion})
	}
	return out, nil
}

// getTrailStatus answers how delivery goes. Errors and times that are not there
// are absent; the deprecated strings are empty instead (spec 4.5).
func (s *Service) getTrailStatus(_ context.Context, g *call.Granted, in *sdk.GetTrailStatusInput) (*sdk.GetTrailStatusOutput, error) {
	t, err := s.find(g, in.Name)
	if err != nil {
		return nil, err
	}
	logging, none := t.Logging(), ""
	b := delivery.Status(s.Progress, t, delivery.Bucket)
	out := &sdk.GetTrailStatusOutput{
		IsLogging:                          &logging,
		LatestDeliveryError:                set(b.DeliveryError(s.Now())),
		LatestDeliveryTime:                 moment(b.Succeeded),
		LatestDeliveryAttemptTime:          stamp(b.Attempted),
		LatestDeliveryAttemptSucceeded:     stamp(b.Succeeded),
		LatestNotificationAttemptTime:      &none,
		LatestNotificationAttemptSucceeded: &none,
		StartLoggingTime:                   moment(t.Started),
		StopLoggingTime:                    moment(t.Stopped),
		TimeLoggingStarted:                 stamp(t.Started),
		TimeLoggingStopped:                 stamp(t.Stopped),
	}
	if d := b.Digests; d != nil {
		out.LatestDigestDeliveryError = set(d.Error)
		out.LatestDigestDeliveryTime = moment(d.Succeeded)
	}
	if t.LogGroupARN != "" {
		l := delivery.Status(s.Progress, t, delivery.LogGroup)
		out.LatestCloudWatchLogsDeliveryError = set(l.Error)
		out.LatestCloudWatchLogsDeliveryTime = moment(l.Succeeded)
	}
	return out, nil
}

// moment returns a time with the precision of real answers, or nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// stamp returns a time as the deprecated members spell it, empty for none.
func stamp(t time.Time) *string {
	text := ""
	if !t.IsZero() {
		text = t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return &text
}
