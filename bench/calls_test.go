//go:build bench

package bench

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cairn/test/kit"
)

const (
	connections = 16
	duration    = 10 * time.Second
)

// rate is what a server did under load.
type rate struct {
	perSecond float64
	p50, p99  time.Duration
}

// BenchmarkCallerIdentity measures sts:GetCallerIdentity over 16 keep-alive
// connections: on Cairn, where each call is durably recorded before it is
// answered, and on moto_server, which records nothing.
func BenchmarkCallerIdentity(b *testing.B) {
	moto := kit.StartMoto(b)
	e := kit.StartEngine(b, b.TempDir())
	who, err := e.Config(b, "").Credentials.Retrieve(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ours, theirs := load(b, e.Endpoint, who), load(b, moto, who)
		b.Logf("GetCallerIdentity, %d connections: cairn %.0f/s, p50 %v, p99 %v; moto %.0f/s, p50 %v, p99 %v",
			connections, ours.perSecond, ours.p50, ours.p99, theirs.perSecond, theirs.p50, theirs.p99)
		b.ReportMetric(ours.perSecond, "calls/s")
		b.ReportMetric(float64(ours.p50.Microseconds()), "p50-µs")
		b.ReportMetric(float64(ours.p99.Microseconds()), "p99-µs")
		b.ReportMetric(ours.perSecond/theirs.perSecond, "times-moto's-rate")
	}
}

// load calls for a while over all connections.
func load(b *testing.B, endpoint string, who aws.Credentials) rate {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), duration)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	const bodyHash = "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843"
	latencies := make([][]time.Duration, connections)
	var group sync.WaitGroup
	start := time.Now()
	for i := range connections {
		group.Go(func() {
			signer := v4.NewSigner()
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint, strings.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if err := signer.SignHTTP(ctx, who, req, bodyHash, "sts", "eu-west-1", time.Now()); err != nil {
					b.Error(err)
					return
				}
				sent := time.Now()
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Errorf("answered %s", resp.Status)
					return
				}
				latencies[i] = append(latencies[i], time.Since(sent))
			}
		})
	}
	group.Wait()
	took := time.Since(start)
	all := slices.Concat(latencies...)
	slices.Sort(all)
	if len(all) == 0 {
		b.Fatal("no call was answered")
	}
	return rate{
		perSecond: float64(len(all)) / took.Seconds(),
		p50:       all[len(all)/2], p99: all[len(all)*99/100],
	}
}
