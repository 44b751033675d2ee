package corpus

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"sync"
	"time"
)

// vocabulary is what records are put together from.
var vocabulary = sync.OnceValue(func() *words {
	w := &words{agents: agents()}
	w.operations, w.total = operations()
	return w
})

type words struct {
	operations []operation
	total      float64
	agents     []string
}

// generator makes the records of one file.
type generator struct {
	*words
	o               *Options
	r               *rand.Rand
	account, region string
	delivered       time.Time
	late            time.Duration

	caller    caller // of the record before
	rareUsers int
	rareIPs   int
}

// caller is who called, from where.
type caller struct {
	identity string // JSON
	arn      string
	ip       string
	agent    string
	service  bool
}

func newGenerator(o *Options, f file) *generator {
	r := rand.New(rand.NewPCG(o.Seed+17, uint64(f.number))) //nolint:gosec // it has to be repeatable
	g := &generator{words: vocabulary(), o: o, r: r, account: zipf(r, accounts), region: zipf(r, regions)}
	slots := o.Days * 24 * 12
	g.delivered = Start.Add(time.Duration(1+r.IntN(slots-1)) * 5 * time.Minute)
	if r.IntN(100) == 0 {
		g.late = time.Duration(r.IntN(300)) * time.Minute
	}
	return g
}

// zipf chooses from a list whose first ones are frequent.
func zipf(r *rand.Rand, list []string) string {
	return list[min(int(math.Exp(r.Float64()*math.Log(float64(len(list)+1)))-1), len(list)-1)]
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (g *generator) letters(n int, of string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[g.r.IntN(len(of))]
	}
	return string(b)
}

// key returns the file's key.
func (g *generator) key() string {
	return fmt.Sprintf("trail/AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", g.account, g.region,
		g.delivered.Format("2006/01/02"), g.account, g.region, g.delivered.Format("20060102T1504Z"), g.letters(16, letters))
}

// uuid returns a random one.
func (g *generator) uuid() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(g.r.Uint32())
	}
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
}

func (g *generator) base64(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.r.Uint32())
	}
	return base64.StdEncoding.EncodeToString(b)
}

// who chooses the caller of the next record: more often than not the one before.
func (g *generator) who(op *operation) {
	aws := op.name == "PutObject" || op.name == "GetBucketAcl" || op.name == "GenerateDataKey"
	if g.caller.identity != "" && g.caller.service == aws && g.r.IntN(100) < 55 {
		return
	}
	if aws && g.r.IntN(100) < 85 {
		by := []string{"cloudtrail", "config", "logs.delivery"}[g.r.IntN(3)] + ".amazonaws.com"
		g.caller = caller{identity: `{"type":"AWSService","invokedBy":"` + by + `"}`, ip: by, agent: by, service: true, arn: by}
		return
	}
	n := g.r.IntN(38)
	ip := fmt.Sprintf("198.51.100.%d", g.r.IntN(211))
	agent := g.agents[g.r.IntN(len(g.agents))]
	switch kind := g.r.IntN(100); {
	case kind < 8:
		arn := "arn:aws:iam::" + g.account + ":root"
		g.caller = caller{arn: arn, identity: fmt.Sprintf(`{"type":"Root","principalId":"%s","arn":"%s","accountId":"%[1]s","accessKeyId":""}`, g.account, arn)}
	case kind < 50:
		arn := fmt.Sprintf("arn:aws:iam::%s:user/person.%d", g.account, n)
		g.caller = user(g.account, arn, fmt.Sprintf("person.%d", n), n)
	default:
		g.caller = g.session(n)
	}
	g.caller.ip, g.caller.agent, g.caller.service = ip, agent, aws
}

// user is an IAM user as a caller.
func user(account, arn, name string, n int) caller {
	return caller{arn: arn, identity: fmt.Sprintf(`{"type":"IAMUser","principalId":"AIDA%017d","arn":"%s","accountId":"%s","accessKeyId":"AKIA%016d","userName":"%s"}`,
		n*7919, arn, account, n*104729, name)}
}

// session is a role's session as a caller.
func (g *generator) session(n int) caller {
	role := []string{"deploy", "readonly", "worker", "service-role/lambda-basic", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin"}[n%5]
	session := fmt.Sprintf("session-%d", n)
	arn := fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", g.account, role, session)
	at := g.delivered.Add(-time.Duration(n) * time.Minute).Format(time.RFC3339)
	return caller{arn: arn, identity: fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROA%017d:%s","arn":"%s","accountId":"%s","accessKeyId":"ASIA%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA%017[1]d","arn":"arn:aws:iam::%[4]s:role/%[6]s","accountId":"%[4]s","userName":"%[6]s"},"attributes":{"creationDate":"%[7]s","mfaAuthenticated":"%[8]t"}}}`,
		n*7919, session, arn, g.account, g.letters(16, letters[:36]), role, at, n%4 == 0)}
}

// record makes the record with a number in the whole corpus.
func (g *generator) record(number int) []byte {
	w := g.r.Float64() * g.total
	op := &g.operations[sort.Search(len(g.operations)-1, func(i int) bool { return g.operations[i].weight > w })]
	g.who(op)
	c := g.caller
	if step := min(rareUser, g.o.Records/3+1); number%step == step/2 {
		c = user("111122223333", RareUser, "rare.carol", 4242)
		c.ip, c.agent = "192.0.2.18", g.agents[1]
		g.rareUsers++
	}
	if step := min(rareIP, g.o.Records/5+1); number%step == step/3 {
		c.ip = RareIP
		g.rareIPs++
	}
	at := g.delivered.Add(-time.Duration(3+g.r.IntN(590)) * time.Second)
	if g.late > 0 && g.r.IntN(3) == 0 {
		at = at.Add(-g.late)
	}
	b := make([]byte, 0, 2048)
	b = fmt.Appendf(b, `{"eventVersion":"1.%02d","userIdentity":%s,"eventTime":"%s","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"%s","sourceIPAddress":"%s","userAgent":"%s"`,
		8+g.r.IntN(25)/24*3, c.identity, at.Format(time.RFC3339), op.source, op.name, g.region, c.ip, c.agent)
	failed := g.r.IntN(1000) < 55 && !c.service
	if failed {
		f := failures[min(g.r.IntN(10), 3)*g.r.IntN(2)]
		b = fmt.Appendf(b, `,"errorCode":"%s","errorMessage":"%s"`, f[0], message(f[1], c.arn, op, g.account))
	}
	b = g.details(b, op, failed)
	b = fmt.Appendf(b, `,"requestID":"%s","eventID":"%s","readOnly":%t`, g.uuid(), g.uuid(), op.readOnly)
	b = g.resources(b, op)
	b = fmt.Appendf(b, `,"eventType":"AwsApiCall","managementEvent":%t,"recipientAccountId":"%s"`, !op.data, g.account)
	if c.service {
		b = fmt.Appendf(b, `,"sharedEventID":"%s"`, g.uuid())
	}
	b = append(b, `,"eventCategory":"`...)
	if op.data {
		return append(b, `Data"}`...)
	}
	b = append(b, `Management"`...)
	if !c.service && g.r.IntN(10) < 7 {
		b = fmt.Appendf(b, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%s.%s.amazonaws.com"}`, op.source, g.region)
	}
	return append(b, '}')
}

func message(form, arn string, op *operation, account string) string {
	if form == failures[3][1] {
		return form
	}
	return fmt.Sprintf(form, arn, op.source, op.name, account)
}
