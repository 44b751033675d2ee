package delivery

import (
	"fmt"
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/journal"
	"cairn/internal/natsd/natsdtest"
)

// benchRecord makes a record of about 1.3 KB whose ids, times and addresses vary
// as in real ones.
func benchRecord(i int) event.Entry {
	r := event.Record{
		EventVersion: "1.11", EventTime: noon.Add(time.Duration(i) * time.Millisecond), EventSource: "ec2.amazonaws.com",
		EventName: []string{"DescribeInstances", "RunInstances", "TerminateInstances"}[i%3], AWSRegion: home,
		SourceIPAddress: fmt.Sprintf("198.51.100.%d", i%250),
		UserAgent:       "aws-sdk-go-v2/1.48.0 os/linux lang/go#1.26.0 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.344.2",
		UserIdentity: event.UserIdentity{
			Type: "AssumedRole", PrincipalID: "AROAEXAMPLEEXAMPLE:session-" + fmt.Sprint(i%50), AccountID: account,
			ARN:         "arn:aws:sts::111122223333:assumed-role/deployer/session-" + fmt.Sprint(i%50),
			AccessKeyID: "ASIAEXAMPLEEXAMPLE", SessionContext: &event.SessionContext{CreationDate: noon, Issuer: &event.SessionIssuer{
				Type: "Role", PrincipalID: "AROAEXAMPLEEXAMPLE", ARN: "arn:aws:iam::111122223333:role/deployer", AccountID: account, UserName: "deployer",
			}},
		},
		RequestParameters: fmt.Appendf(nil, `{"instancesSet":{"items":[{"instanceId":"i-%016x"},{"instanceId":"i-%016x"}]},"filterSet":{}}`, i*7919, i*104729),
		RequestID:         fmt.Sprintf("%08x-0000-4000-8000-%012x", i*2654435761, i),
		EventID:           fmt.Sprintf("%08x-1111-4111-8111-%012x", i*40503, i),
		EventType:         event.APICall, ManagementEvent: true, RecipientAccountID: account, EventCategory: event.Management,
		TLSDetails: &event.TLSDetails{TLSVersion: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ClientProvidedHostHeader: "ec2.eu-west-1.amazonaws.com"},
	}
	return r.Encode(false)
}

// BenchmarkDeliver measures the way from the journal on disk to the gzip bytes
// of log files.
func BenchmarkDeliver(b *testing.B) {
	const records = 100_000
	j, err := journal.Open(b.Context(), natsdtest.Start(b), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	w := newWorld()
	tr := w.newTrail("audit")
	size := 0
	for i := 0; i < records; i += 400 {
		batch := make([]event.Entry, 400)
		for k := range batch {
			batch[k] = benchRecord(i + k)
			size += len(batch[k].JSON)
		}
		if err := j.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	shared := journal.Share(j)
	w.options.Journal = func() Journal { return shared.Reader() }
	w.put(tr)
	d, err := New(w.options)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	written := 0
	for b.Loop() {
		w.progress.rows = map[string]*Progress{}
		w.dest.objects = map[string][]byte{}
		p := d.newPump(TrailKey(account, home, "audit"), tr, Bucket)
		for {
			again, err := p.step(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if !again {
				break
			}
		}
		written = 0
		for _, o := range w.dest.objects {
			written += len(o)
		}
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(size)/records, "bytes/record")
	b.ReportMetric(float64(size)/float64(written), "ratio")
}
