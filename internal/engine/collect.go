package engine

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cairn/internal/gateway"
	"cairn/internal/journal"
)

// answers counts the answers of the endpoint. Labels are names of the APIs and
// classes of statuses, so that no client can make new ones.
type answers struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refused  *prometheus.CounterVec
}

func newAnswers() answers {
	return answers{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cairn_requests_total", Help: "Calls answered, by service, operation and class of HTTP status.",
		}, []string{"service", "operation", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cairn_request_seconds", Help: "How long calls took, their record being durable.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"service"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cairn_requests_refused_total", Help: "Calls that were not run because the engine was overloaded or not ready, by service and error code.",
		}, []string{"service", "code"}),
	}
}

// refusals are the error codes that ask a caller to come again later.
var refusals = map[string]bool{
	"SlowDown": true, "Throttling": true, "ThrottlingException": true, "RequestLimitExceeded": true,
	"TooManyRequestsException": true, "ServiceUnavailable": true,
}

func (a *answers) add(x gateway.Answer) {
	service, operation := orUnknown(x.Service), orUnknown(x.Operation)
	status := "none" // the client had gone
	if x.Status >= 100 && x.Status < 600 {
		status = strconv.Itoa(x.Status/100) + "xx"
	}
	a.requests.WithLabelValues(service, operation, status).Inc()
	a.seconds.WithLabelValues(service).Observe(x.Took.Seconds())
	if refusals[x.Code] {
		a.refused.WithLabelValues(service, x.Code).Inc()
	}
}

func orUnknown(name string) string {
	if name == "" {
		return "unknown"
	}
	return name
}

// collector reads what the engine keeps when metrics are asked for.
type collector struct{ e *Engine }

var destination = []string{"account", "region", "trail", "destination"}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cairn_"+name, help, labels, nil)
}

var (
	descReady      = describe("ready", "Whether calls are taken: state and message store are as they should be.")
	descRecords    = describe("journal_records_total", "Records the journal has taken since it was made.")
	descAppended   = describe("journal_appended_records_total", "Records this process has made durable.")
	descBatches    = describe("journal_appended_batches_total", "Batches of records this process has made durable.")
	descPending    = describe("journal_pending_records", "Records whose callers wait for the journal.")
	descPendingB   = describe("journal_pending_bytes", "Bytes of the records whose callers wait for the journal.")
	descEnd        = describe("journal_end", "Sequence number of the journal's end.")
	descFirst      = describe("journal_first", "Sequence number of the oldest batch the journal keeps.")
	descOutcome    = describe("records", "Records of the journal by what became of them at a destination; together they are all it is held to.", append(destination, "outcome")...)
	descBalanced   = describe("records_balanced", "Whether the outcomes of a destination make up all records it is held to.", destination...)
	descGaps       = describe("journal_gaps_total", "Gaps in the journal that a destination has met.", destination...)
	descLag        = describe("delivery_lag_seconds", "Age of the oldest record that a destination has neither taken nor passed over; 0 if there is none.", destination...)
	descFailing    = describe("delivery_failing", "1 if the last delivery failed, with its error code.", append(destination, "code")...)
	descSucceeded  = describe("delivery_success_timestamp_seconds", "When a delivery last worked; 0 if none has.", destination...)
	descWrites     = describe("delivery_writes_total", "Log files written, or calls of PutLogEvents made.", destination...)
	descStreamB    = describe("stream_bytes", "Bytes in the message store, by what they are for.", "stream")
	descStreamM    = describe("stream_messages", "Messages in the message store, by what they are for.", "stream")
	descGroups     = describe("log_groups", "Log groups of all accounts.")
	descTables     = describe("lake_tables", "Tables of segments: log groups with older events, and the event history.")
	descTrails     = describe("trails", "Trails of all accounts.")
	descAccounts   = describe("accounts", "Accounts of this engine.")
	descRotations  = describe("root_keys_ending", "Root access keys that were replaced and end when their grace has passed.")
	descIncomplete = describe("metrics_incomplete", "1 if a part of these metrics could not be read.")
)

// Describe implements prometheus.Collector. What there is depends on the trails.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { ch <- descReady }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	e := c.e
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	s := e.journal.Stats()
	gauge(descReady, one(e.ready() == nil))
	count(descAppended, float64(s.Records))
	count(descBatches, float64(s.Batches))
	gauge(descPending, float64(s.PendingRecords))
	gauge(descPendingB, float64(s.PendingBytes))
	gauge(descEnd, float64(e.journal.End().Seq))
	gauge(descFirst, float64(e.journal.First().Seq))
	gauge(descAccounts, float64(len(e.identities.Accounts())))
	gauge(descRotations, float64(len(e.rotations.List())))
	gauge(descTrails, float64(len(e.tables.Trails.List())))
	incomplete := false
	fault := func(what string, err error) {
		if err != nil {
			incomplete = true
			e.log.WarnContext(ctx, "metrics are incomplete", "part", what, "error", err)
		}
	}
	n, err := e.journal.Count(ctx, e.journal.End())
	fault("journal", err)
	if err == nil {
		count(descRecords, float64(n))
	}
	fault("delivery", e.collectDelivery(ctx, gauge, count))
	fault("streams", e.collectStreams(ctx, gauge))
	segments, err := e.lake.Tables()
	fault("lake", err)
	gauge(descTables, float64(len(segments)))
	gauge(descIncomplete, one(incomplete))
}

type metric func(d *prometheus.Desc, v float64, labels ...string)

// lag returns how old the first record is that waits at a place of the journal.
func (e *Engine) lag(ctx context.Context, at journal.Position) time.Duration {
	for at.Less(e.journal.End()) {
		recs, next, err := e.journal.Read(ctx, at, 1)
		if err != nil || next == at {
			return 0
		}
		if len(recs) > 0 {
			return max(0, time.Since(recs[0].Header.Time))
		}
		at = next // intents only
	}
	return 0
}

// collectDelivery tells of each destination of each trail.
func (e *Engine) collectDelivery(ctx context.Context, gauge, count metric) error {
	for _, row := range e.tables.Progress.List() {
		p, labels := row.Value, row.Key
		if len(labels) != len(destination) {
			continue
		}
		if p.Error != "" {
			gauge(descFailing, 1, append(slices.Clip(labels), p.Error)...)
		}
		gauge(descSucceeded, stamp(p.Succeeded), labels...)
		count(descWrites, float64(p.Writes), labels...)
		gauge(descLag, e.lag(ctx, p.Cursor).Seconds(), labels...)
	}
	balances, err := e.delivery.Balances(ctx)
	if err != nil {
		return err
	}
	for i := range balances {
		b := &balances[i]
		labels := []string{b.Account, b.HomeRegion, b.Trail, string(b.Kind)}
		for _, o := range outcomes(b) {
			gauge(descOutcome, float64(o.records), append(slices.Clip(labels), o.name)...)
		}
		gauge(descBalanced, one(b.Balanced()), labels...)
		count(descGaps, float64(b.Gaps), labels...)
	}
	return nil
}

// collectStreams sums up the streams of the message store. Log groups are one sum:
// anybody may make many.
func (e *Engine) collectStreams(ctx context.Context, gauge metric) error {
	bytes, messages := map[string]uint64{}, map[string]uint64{}
	groups := 0
	list := e.nats.JetStream().ListStreams(ctx)
	for s := range list.Info() {
		kind := streamKind(s)
		if kind == "loggroups" {
			groups++
		}
		bytes[kind] += s.State.Bytes
		messages[kind] += s.State.Msgs
	}
	for kind := range bytes {
		gauge(descStreamB, float64(bytes[kind]), kind)
		gauge(descStreamM, float64(messages[kind]), kind)
	}
	gauge(descGroups, float64(groups))
	return list.Err()
}

func streamKind(s *jetstream.StreamInfo) string {
	switch name := s.Config.Name; {
	case name == "JOURNAL":
		return "journal"
	case name == "KV_"+stateBucket:
		return "state"
	case strings.HasPrefix(s.Config.Description, "cairn log group"):
		return "loggroups"
	default:
		return "other"
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func stamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
