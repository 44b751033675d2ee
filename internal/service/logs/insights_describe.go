package logs

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/call"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
	"cairn/internal/loginsights/queries"
)

const maxQueries = 1000 // on a page of DescribeQueries

// describeQueries lists the account's queries, the latest first.
func (s *Service) describeQueries(_ context.Context, g *call.Granted, in *cloudwatchlogs.DescribeQueriesInput, _ place) (*cloudwatchlogs.DescribeQueriesOutput, error) {
	most, err := limit(in.MaxResults, maxQueries)
	if err != nil {
		return nil, err
	}
	if in.Status != "" && !slices.Contains(in.Status.Values(), in.Status) {
		return nil, constraint(in.Status, "status", "Member must satisfy enum value set: [Scheduled, Running, Complete, Failed, Cancelled, Timeout, Unknown]")
	}
	if in.LogGroupName != nil {
		if _, err := named(g.Call, in.LogGroupName); err != nil {
			return nil, err
		}
	}
	out := &cloudwatchlogs.DescribeQueriesOutput{Queries: []types.QueryInfo{}}
	if in.QueryLanguage != "" && in.QueryLanguage != types.QueryLanguageCwli {
		return out, nil // there are none in the other languages
	}
	hash := queryHash("queries", g.Account(), g.Region, in.LogGroupName, in.Status)
	after, err := parseListToken(in.NextToken, hash)
	if err != nil {
		return nil, err
	}
	passed := after == ""
	for _, q := range s.queries.List(owner(g.Call)) {
		if !passed {
			passed = q.ID == after
			continue
		}
		if in.Status != "" && string(in.Status) != string(q.Status) || in.LogGroupName != nil && !reads(&q, *in.LogGroupName) {
			continue
		}
		if len(out.Queries) == most {
			out.NextToken = listToken(hash, *out.Queries[most-1].QueryId)
			break
		}
		out.Queries = append(out.Queries, describeQuery(&q))
	}
	if !passed {
		return nil, invalid("The specified nextToken is invalid.") // or its query is forgotten
	}
	return out, nil
}

// reads reports whether a query reads the log group.
func reads(q *queries.Info, group string) bool {
	return slices.ContainsFunc(q.Spec.Groups, func(r loggroup.Ref) bool { return r.Name == group })
}

func describeQuery(q *queries.Info) types.QueryInfo {
	return types.QueryInfo{
		QueryId: aws.String(q.ID), QueryString: aws.String(q.Spec.Query.String()), QueryLanguage: types.QueryLanguageCwli,
		LogGroupName: aws.String(q.Spec.Groups[0].Name), Status: types.QueryStatus(q.Status),
		CreateTime: aws.Int64(q.Created.UnixMilli()), QueryDuration: aws.Int64(q.Took.Milliseconds()),
		BytesScanned: aws.Float64(float64(q.Statistics.Bytes)), UserIdentity: aws.String(q.Spec.Caller),
	}
}

// locateRecord returns the log group of the event that @ptr names.
func (s *Service) locateRecord(c *call.Call, in *cloudwatchlogs.GetLogRecordInput) (place, error) {
	if in.LogRecordPointer == nil {
		return place{}, s.api.Codec.Missing("logRecordPointer")
	}
	log, _, err := loginsights.ParsePointer(*in.LogRecordPointer)
	if err != nil || log.Region != c.Region || !groupPattern.MatchString(log.Name) {
		return place{}, invalid("The specified log record pointer is invalid.")
	}
	p := place{Ref: loggroup.Ref(log)}
	if in.Unmask {
		p.more = unmask(p)
	}
	return p, nil
}

// logRecord answers GetLogRecord: all fields of one event.
func (s *Service) logRecord(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.GetLogRecordInput, at place) (*cloudwatchlogs.GetLogRecordOutput, error) {
	_, pos, err := loginsights.ParsePointer(*in.LogRecordPointer)
	if err != nil {
		return nil, err // locateRecord has read it
	}
	page, err := s.groups.Read(ctx, &loggroup.Query{
		Group: at.Ref, Start: pos.Timestamp, End: pos.Timestamp, From: &pos, Limit: 1, MaxBytes: maxPage,
	})
	if err != nil {
		return nil, err
	}
	if len(page.Events) == 0 || page.Events[0].Pos != pos {
		return nil, notFound("log record")
	}
	e := &page.Events[0]
	fields := map[string]string{}
	for _, f := range loginsights.Fields(e.Message) {
		fields[f.Name] = f.Value
	}
	fields["@ptr"] = *in.LogRecordPointer
	fields["@message"] = e.Message
	fields["@logStream"] = e.Stream
	fields["@log"] = at.Account + ":" + at.Name
	fields["@timestamp"] = strconv.FormatInt(pos.Timestamp, 10)
	fields["@ingestionTime"] = strconv.FormatInt(e.Ingestion, 10)
	return &cloudwatchlogs.GetLogRecordOutput{LogRecord: fields}, nil
}
