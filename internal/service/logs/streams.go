package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/call"
	"cairn/internal/loggroup"
)

func (s *Service) addStreams() {
	add(s, "CreateLogStream", func(c *call.Call, in *cloudwatchlogs.CreateLogStreamInput) (place, error) {
		p, err := named(c, in.LogGroupName)
		if err != nil {
			return p, err
		}
		return p.in(in.LogStreamName)
	}, func(ctx context.Context, _ *call.Granted, _ *cloudwatchlogs.CreateLogStreamInput, at place) (*cloudwatchlogs.CreateLogStreamOutput, error) {
		return &cloudwatchlogs.CreateLogStreamOutput{}, s.groups.CreateStream(ctx, at.Ref, at.stream)
	})
	add(s, "DeleteLogStream", func(c *call.Call, in *cloudwatchlogs.DeleteLogStreamInput) (place, error) {
		p, err := named(c, in.LogGroupName)
		if err != nil {
			return p, err
		}
		return p.in(in.LogStreamName)
	}, s.deleteStream)
	add(s, "DescribeLogStreams", func(c *call.Call, in *cloudwatchlogs.DescribeLogStreamsInput) (place, error) {
		return identified(c, in.LogGroupName, in.LogGroupIdentifier)
	}, s.describeStreams).ReadOnly = true
}

func (s *Service) deleteStream(ctx context.Context, _ *call.Granted, _ *cloudwatchlogs.DeleteLogStreamInput, at place) (*cloudwatchlogs.DeleteLogStreamOutput, error) {
	if err := s.unprotected(at.Ref); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogStreamOutput{}, s.groups.DeleteStream(ctx, at.Ref, at.stream)
}

func (s *Service) describeStreams(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.DescribeLogStreamsInput, at place) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	most, err := limit(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	g, err := s.groups.Group(at.Ref)
	if err != nil {
		return nil, err
	}
	down := aws.ToBool(in.Descending)
	hash := queryHash("streams", g.ID, in.OrderBy, down, in.LogStreamNamePrefix)
	after, err := parseListToken(in.NextToken, hash)
	if err != nil {
		return nil, err
	}
	all, err := s.groups.Streams(ctx, at.Ref)
	if err != nil {
		return nil, err
	}
	key := streamKey(byTime)
	slices.SortFunc(all, func(a, b loggroup.StreamInfo) int {
		if down {
			a, b = b, a
		}
		return cmp.Compare(key(&a), key(&b))
	})
	out := &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	last := ""
	for i := range all {
		k := key(&all[i])
		if after != "" && (!down && k <= after || down && k >= after) || !strings.HasPrefix(all[i].Name, aws.ToString(in.LogStreamNamePrefix)) {
			continue
		}
		if len(out.LogStreams) == most {
			out.NextToken = listToken(hash, last)
			break
		}
		out.LogStreams = append(out.LogStreams, describeStream(at.Ref, &all[i]))
		last = k
	}
	return out, nil
}

// streamKey returns what log streams are sorted by, as text that sorts alike.
func streamKey(byTime bool) func(i *loggroup.StreamInfo) string {
	if !byTime {
		return func(i *loggroup.StreamInfo) string { return i.Name }
	}
	return func(i *loggroup.StreamInfo) string { return fmt.Sprintf("%020d %s", i.LastEvent, i.Name) }
}

func describeStream(ref loggroup.Ref, i *loggroup.StreamInfo) types.LogStream {
	d := types.LogStream{
		LogStreamName: aws.String(i.Name), Arn: aws.String(streamARN(ref, i.Name)), CreationTime: aws.Int64(i.Created),
		StoredBytes: aws.Int64(0), // as AWS reports for every log stream since 2019
	}
	if !i.Empty {
		d.FirstEventTimestamp, d.LastEventTimestamp = aws.Int64(i.FirstEvent), aws.Int64(i.LastEvent)
		d.LastIngestionTime = aws.Int64(i.LastIngestion)
	}
	if i.Batches > 0 {
		d.UploadSequenceToken = sequenceToken(i.Batches)
	}
	return d
}

// sequenceToken returns a token that AWS gives and no longer asks for.
func sequenceToken(batches uint64) *string { return aws.String(fmt.Sprintf("%056d", batches)) }
