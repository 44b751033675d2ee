package history

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/journal"
	"cairn/internal/lake"
)

// BenchmarkLookup looks up the first page, among as many records as an account
// has in 90 days with two calls a minute.
func BenchmarkLookup(b *testing.B) {
	const records = 250_000
	l, err := lake.Open(lake.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	j := &memory{}
	s, err := Open(Options{Journal: j, Lake: l, Now: func() time.Time { return noon.Add(Retention / 2) }})
	if err != nil {
		b.Fatal(err)
	}
	var batch []journal.Located
	for i := range records {
		e := call(fmt.Sprintf("id-%07d", i), i*15, func(r *event.Record) {
			r.UserAgent = "aws-cli/2.15.30 Python/3.11.8 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/iam.create-user"
			r.UserIdentity.UserName = fmt.Sprintf("user%d", i%1000)
			r.ReadOnly = i%3 > 0
			r.RequestParameters = fmt.Appendf(nil, `{"userName":"made%d","tags":[{"key":"team","value":"platform-%d"}]}`, i, i%17)
		})
		batch = append(batch, journal.Located{Pos: journal.Position{Seq: uint64(i + 1)}, Entry: e})
		if len(batch) == 20_000 {
			s.take(batch, journal.Position{Seq: uint64(i + 2)})
			if err := s.flush(context.Background()); err != nil {
				b.Fatal(err)
			}
			batch = nil
		}
	}
	for name, q := range map[string]Query{
		"newest":           {},
		"read-only":        {Attribute: ReadOnly, Value: "true"},
		"user":             {Attribute: Username, Value: "user7"},
		"one event":        {Attribute: EventID, Value: "id-0000005"},
		"nothing":          {Attribute: EventID, Value: "id-9999999"},
		"resource":         {Attribute: ResourceName, Value: "made17"},
		"no resource type": {Attribute: ResourceType, Value: "AWS::S3::Bucket"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				q := q
				q.Account, q.Region, q.Limit = account, region, 50
				for pages := 1; ; pages++ {
					p, err := s.Lookup(b.Context(), &q)
					if err != nil {
						b.Fatal(err)
					}
					if len(p.Events) > 0 || !p.More {
						b.ReportMetric(float64(pages), "pages")
						break
					}
					q.After = &p.Next
				}
			}
		})
	}
}
