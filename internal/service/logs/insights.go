package logs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
	"cairn/internal/loginsights/queries"
	"cairn/internal/loginsights/syntax"
)

const (
	maxQueryGroups = 50     // spec 6.6
	maxResultPage  = 10_000 // rows that GetQueryResults returns at once
)

// addInsights adds the operations of Logs Insights. They read, so their records
// are read-only; StartQuery's has the query's ID, which the other calls name.
//
// Permission to query is asked for each log group; the service has none for a
// query's results, which only its own account sees.
func (s *Service) addInsights() {
	start := add(s, "StartQuery", s.locateQuery, s.startQuery)
	start.ReadOnly, start.RecordOutput = true, true
	add(s, "GetQueryResults", anywhere[cloudwatchlogs.GetQueryResultsInput], s.queryResults).ReadOnly = true
	add(s, "StopQuery", anywhere[cloudwatchlogs.StopQueryInput], s.stopQuery).ReadOnly = true
	add(s, "DescribeQueries", anywhere[cloudwatchlogs.DescribeQueriesInput], s.describeQueries).ReadOnly = true
	add(s, "GetLogRecord", s.locateRecord, s.logRecord).ReadOnly = true
}

func anywhere[In any](*call.Call, *In) (place, error) { return place{anywhere: true}, nil }

func owner(c *call.Call) queries.Owner { return queries.Owner{Account: c.Account(), Region: c.Region} }

// locateQuery returns the first log group as the place and asks for the others
// as well.
func (s *Service) locateQuery(c *call.Call, in *cloudwatchlogs.StartQueryInput) (place, error) {
	places, err := queryGroups(c, in)
	if err != nil {
		return place{}, err
	}
	for i := range places[1:] {
		places[0].more = append(places[0].more, s.check(&places[1+i]))
	}
	return places[0], nil
}

// queryGroups returns the log groups of a query, each once.
func queryGroups(c *call.Call, in *cloudwatchlogs.StartQueryInput) ([]place, error) {
	given := 0
	for _, is := range []bool{in.LogGroupName != nil, in.LogGroupNames != nil, in.LogGroupIdentifiers != nil} {
		if is {
			given++
		}
	}
	names := in.LogGroupNames
	find := func(name *string) (place, error) { return named(c, name) }
	switch {
	case given != 1:
		return nil, invalid("Specify exactly one of logGroupName, logGroupNames and logGroupIdentifiers.")
	case in.LogGroupName != nil:
		names = []string{*in.LogGroupName}
	case in.LogGroupIdentifiers != nil:
		names = in.LogGroupIdentifiers
		find = func(name *string) (place, error) { return identified(c, nil, name) }
	}
	if n := len(names); n == 0 || n > maxQueryGroups {
		return nil, invalid("A query has from 1 to %d log groups, not %d.", maxQueryGroups, n)
	}
	seen := map[loggroup.Ref]bool{}
	var places []place
	for i := range names {
		p, err := find(&names[i])
		if err != nil {
			return nil, err
		}
		if !seen[p.Ref] {
			seen[p.Ref] = true
			places = append(places, p)
		}
	}
	return places, nil
}

func (s *Service) startQuery(_ context.Context, g *call.Granted, in *cloudwatchlogs.StartQueryInput, _ place) (*cloudwatchlogs.StartQueryOutput, error) {
	spec := &queries.Spec{Owner: owner(g.Call), Caller: g.Principal.ARN}
	var err error
	if spec.Start, spec.End, err = queryTimes(in); err != nil {
		return nil, err
	}
	switch {
	case in.QueryLanguage != "" && in.QueryLanguage != types.QueryLanguageCwli:
		return nil, invalid("The query language %s is not supported by this engine. Use CWLI.", in.QueryLanguage)
	case in.QueryString == nil:
		return nil, s.api.Codec.Missing("queryString")
	case in.Limit != nil && (*in.Limit < 1 || *in.Limit > loginsights.MaxRows):
		return nil, constraint(*in.Limit, "limit", "Member must have value between 1 and "+strconv.Itoa(loginsights.MaxRows))
	}
	spec.Rows = int(aws.ToInt32(in.Limit))
	places, err := queryGroups(g.Call, in)
	if err != nil {
		return nil, err
	}
	for i := range places {
		if _, err := s.groups.Group(places[i].Ref); err != nil {
			return nil, err
		}
		spec.Groups = append(spec.Groups, places[i].Ref)
	}
	if spec.Query, err = loginsights.Parse(*in.QueryString); err != nil {
		return nil, malformed(err)
	}
	id, err := s.queries.Start(spec)
	if err != nil {
		return nil, queryError(err)
	}
	return &cloudwatchlogs.StartQueryOutput{QueryId: aws.String(id)}, nil
}

// queryTimes returns the time range of a query in milliseconds, both ends
// included. The API's are in seconds; the console sends milliseconds, and the
// service takes those too, so that what would be after the year 5000 is one.
func queryTimes(in *cloudwatchlogs.StartQueryInput) (start, end int64, err error) {
	const tooLate = 100_000_000_000
	switch {
	case in.StartTime == nil:
		return 0, 0, invalid("1 validation error detected: Value null at 'startTime' failed to satisfy constraint: Member must not be null")
	case in.EndTime == nil:
		return 0, 0, invalid("1 validation error detected: Value null at 'endTime' failed to satisfy constraint: Member must not be null")
	}
	if start, end, err = timeRange(in.StartTime, in.EndTime); err != nil {
		return 0, 0, err
	}
	if start < tooLate {
		start *= 1000
	}
	if end < tooLate {
		end = end*1000 + 999 // the whole second is included
	}
	if start > end {
		return 0, 0, awserr.New(http.StatusBadRequest, "MalformedQueryException", "end date and time is either before the log groups creation time or before the start date and time of the query")
	}
	return start, min(end, math.MaxInt64-1), nil
}

// queryError turns what the runner says into AWS's errors.
func queryError(err error) error {
	switch {
	case errors.Is(err, queries.ErrNotFound):
		return notFound("query")
	case errors.Is(err, queries.ErrEnded):
		return invalid("The specified query is not running.")
	case errors.Is(err, queries.ErrTooMany):
		return awserr.New(http.StatusBadRequest, "LimitExceededException",
			"Account maximum query concurrency limit reached. Wait until a query has ended, or stop one.")
	}
	return err
}

func (s *Service) stopQuery(_ context.Context, g *call.Granted, in *cloudwatchlogs.StopQueryInput, _ place) (*cloudwatchlogs.StopQueryOutput, error) {
	if in.QueryId == nil {
		return nil, s.api.Codec.Missing("queryId")
	}
	if err := s.queries.Stop(owner(g.Call), *in.QueryId); err != nil {
		return nil, queryError(err)
	}
	return &cloudwatchlogs.StopQueryOutput{Success: true}, nil
}

// queryResults answers GetQueryResults: a page of what is known so far.
func (s *Service) queryResults(_ context.Context, g *call.Granted, in *cloudwatchlogs.GetQueryResultsInput, _ place) (*cloudwatchlogs.GetQueryResultsOutput, error) {
	if in.QueryId == nil {
		return nil, s.api.Codec.Missing("queryId")
	}
	most := maxResultPage
	if in.MaxItems != nil {
		if *in.MaxItems < 1 || *in.MaxItems > maxResultPage {
			return nil, constraint(*in.MaxItems, "maxItems", "Member must have value between 1 and "+strconv.Itoa(maxResultPage))
		}
		most = int(*in.MaxItems)
	}
	from, err := resultPlace(in)
	if err != nil {
		return nil, err
	}
	info, rows, err := s.queries.Get(owner(g.Call), *in.QueryId)
	if err != nil {
		return nil, queryError(err)
	}
	out := &cloudwatchlogs.GetQueryResultsOutput{
		QueryLanguage: types.QueryLanguageCwli, Status: types.QueryStatus(info.Status),
		Results: [][]types.ResultField{},
		Statistics: &types.QueryStatistics{
			RecordsMatched: float64(info.Statistics.Matched), RecordsScanned: float64(info.Statistics.Scanned),
			BytesScanned: float64(info.Statistics.Bytes), LogGroupsScanned: float64(len(info.Spec.Groups)),
			ResultCount: float64(len(rows)),
		},
	}
	from = min(from, len(rows))
	to := min(from+most, len(rows))
	for _, row := range rows[from:to] {
		fields := make([]types.ResultField, len(row))
		for i := range row {
			fields[i] = types.ResultField{Field: aws.String(row[i].Name), Value: aws.String(row[i].Value)}
		}
		out.Results = append(out.Results, fields)
	}
	if to < len(rows) {
		out.NextToken = aws.String(resultToken(*in.QueryId, to))
	}
	return out, nil
}

// A token of GetQueryResults is the number of the next row, with the query it
// belongs to.
func resultToken(query string, row int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(query + " " + strconv.Itoa(row)))
}

func resultPlace(in *cloudwatchlogs.GetQueryResultsInput) (int, error) {
	if in.NextToken == nil {
		return 0, nil
	}
	b, err := decode(*in.NextToken)
	row, ok := strings.CutPrefix(string(b), *in.QueryId+" ")
	n, nerr := strconv.ParseUint(row, 10, 31)
	if err != nil || !ok || nerr != nil {
		return 0, invalid("The specified nextToken is invalid.")
	}
	return int(n), nil
}

// malformed is the answer to a query with a fault. Where that is it says twice:
// in words, and as queryCompileError, whose members the API reference calls
// reserved; the offsets count characters from 0, the end is behind the fault.
func malformed(err error) error {
	e := awserr.Wrap(err, http.StatusBadRequest, "MalformedQueryException", "%s", err)
	if at, ok := errors.AsType[*syntax.Error](err); ok {
		e.Object = map[string]string{"queryCompileError": fmt.Sprintf(`{"location":{"startCharOffset":%d,"endCharOffset":%d},"message":%s}`,
			at.Start, at.End, event.AppendString(nil, at.Text))}
	}
	return e
}
