//go:build e2e

package test

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cairn/test/kit"
)

// readGenuine returns the genuine records at hand, or skips the test.
func readGenuine(t *testing.T) (records []kit.JSON) {
	t.Helper()
	files, err := filepath.Glob(filepath.FromSlash("../../shared/data/*.ndjson.gz"))
	if err != nil || len(files) == 0 {
		t.Skip("no genuine records in ../../shared/data")
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			if r := kit.ParseJSON(t, lines.Bytes()); !edited(r) {
				records = append(records, r)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return records
}

// edited tells a record that a log product has added members of its own to.
func edited(r kit.JSON) bool {
	_, ok := r.Get("evt")
	return ok
}

// sorted tells a record whose publisher sorted its members: it says nothing
// about order.
func sorted(r kit.JSON) bool { return slices.IsSorted(r.Names) }

// kind names the records that are compared with each other: those of one
// operation with one outcome.
func kind(r kit.JSON) string {
	kind := strings.TrimSpace(strings.TrimSuffix(r.At("eventSource"), ".amazonaws.com") + " " + r.At("eventName") + " " + r.At("errorCode"))
	if r.At("userIdentity", "type") == "AWSService" {
		kind += " by a service"
	}
	return kind
}

// shape is what a set of records has in common.
type shape struct {
	records int
	// kinds are the JSON types seen at a path; count in how many objects the
	// member is, by path of the member and of its object.
	kinds   map[string]map[string]bool
	count   map[string]int
	objects map[string]int
	// before holds "object: a b" where member a stood before b.
	before map[string]bool
	// values are what the members that do not vary within an operation hold.
	values map[string]map[string]bool
}

// fixed are the members whose value belongs to the operation.
var fixed = []string{"readOnly", "eventType", "apiVersion", "managementEvent", "eventCategory"}

func shapeOf(records []kit.JSON, root string) *shape {
	s := &shape{
		records: len(records), kinds: map[string]map[string]bool{}, count: map[string]int{}, objects: map[string]int{},
		before: map[string]bool{}, values: map[string]map[string]bool{},
	}
	for _, r := range records {
		if root == "" {
			for _, name := range fixed {
				note(s.values, name, r.At(name))
			}
		}
		inOrder := !sorted(r)
		v, _ := r.Get(strings.Fields(root)...)
		v.Walk("", func(at string, v kit.JSON) {
			if root == "" && (at == "userIdentity" || strings.HasPrefix(at, "userIdentity.")) {
				return // compared by itself
			}
			note(s.kinds, at, v.Kind)
			if v.Kind == "object" {
				s.object(at, v, inOrder)
			}
		})
	}
	return s
}

func note(m map[string]map[string]bool, key, value string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][value] = true
}

func (s *shape) object(at string, v kit.JSON, inOrder bool) {
	s.objects[at]++
	for i, a := range v.Names {
		s.count[under(at, a)]++
		for _, b := range v.Names[i+1:] {
			if inOrder {
				s.before[at+": "+a+" "+b] = true
			}
		}
	}
}

func under(at, name string) string { return strings.TrimPrefix(at+"."+name, ".") }

// difference is one way our records of a kind are not as genuine ones.
type difference struct{ kind, what, at string }

// compare returns the differences of our records of a kind from genuine ones.
func compare(kind string, ours, theirs *shape) (found []difference) {
	add := func(what, at string) { found = append(found, difference{kind, what, at}) }
	for at, kinds := range ours.kinds {
		if theirs.kinds[at] == nil {
			if theirs.objects[parent(at)] > 0 {
				add("only ours have", at)
			}
			continue
		}
		for k := range kinds {
			if !theirs.kinds[at][k] {
				add("ours is "+k+", theirs "+strings.Join(slices.Sorted(maps.Keys(theirs.kinds[at])), " or "), at)
			}
		}
	}
	for at, n := range theirs.count {
		if in := parent(at); n == theirs.objects[in] && ours.objects[in] > ours.count[at] {
			add("only theirs have", at)
		}
	}
	for pair := range ours.before {
		at, names, _ := strings.Cut(pair, ": ")
		a, b, _ := strings.Cut(names, " ")
		if back := at + ": " + b + " " + a; theirs.before[back] && !theirs.before[pair] {
			add("theirs have it before "+a, under(at, b))
		}
	}
	for name, values := range ours.values {
		for v := range values {
			if !theirs.values[name][v] {
				add("ours says "+v+", theirs "+strings.Join(slices.Sorted(maps.Keys(theirs.values[name])), " or "), name)
			}
		}
	}
	slices.SortFunc(found, func(a, b difference) int { return cmp.Compare(a.at+a.what, b.at+b.what) })
	return found
}

// parent returns the path of the object a member is in.
func parent(at string) string {
	at = strings.TrimSuffix(at, "[]")
	return at[:max(0, strings.LastIndexByte(at, '.'))]
}

// allowed are the differences that may be, each with its one reason. kind and
// at are patterns of path.Match, what is how the difference begins.
var allowed = []struct{ kind, what, at, reason string }{
	{"*", "only theirs have", "tlsDetails.tlsVersion", "the engine speaks plain http over loopback"},
	{"*", "only theirs have", "tlsDetails.cipherSuite", "the engine speaks plain http over loopback"},
	{"cloudtrail LookupEvents", "only theirs have", "sessionCredentialFromConsole", "the genuine calls were made by the web console"},
	{"cloudtrail LookupEvents", "only ours have", "tlsDetails", "the web console calls from within AWS, without TLS of its own to tell of"},
	{"cloudtrail CreateTrail", "only ours have", "responseElements.recursiveLogging", "trails have the setting since 2026; the genuine records are older"},
	{"s3 *", "only theirs have", "additionalEventData.CipherSuite", "the engine speaks plain http over loopback"},
	{"s3 *", "only theirs have", "vpcEndpointId", "the engine has no VPC endpoints"},
	{"s3 CreateBucket", "only ours have", "requestParameters.CreateBucketConfiguration", "the genuine calls are for us-east-1, which need none"},
	{"caller AssumedRole for a service", "only theirs have", "sessionContext.webIdFederationData", "an empty object in 2023, left out since 2025"},
	{"sts *", "only ours have", "additionalEventData", "STS has it since 2025; the genuine records are older"},
	{"logs CreateLogGroup", "only", "requestParameters.tags.*", "the names of tags are the callers'"},
	{"ec2 RunInstances*", "only theirs have", "requestParameters.creditSpecification", "optional, and refused by the engine"},
	{"ec2 RunInstances*", "only theirs have", "requestParameters.hibernationOptions", "optional, and refused by the engine"},
	{"ec2 RunInstances*", "only theirs have", "requestParameters.networkInterfaceSet", "optional, and refused by the engine"},
	{"ec2 RunInstances", "only theirs have", "requestParameters.iamInstanceProfile", "optional, and refused by the engine"},
	{"ec2 RunInstances", "only theirs have", "requestParameters.tagSpecificationSet", "optional, and not in all calls here"},
	{"ec2 RunInstances", "only theirs have", "requestParameters.ebsOptimized", "optional, and not in all calls here"},
	{"ec2 RunInstances", "only ours have", "requestParameters.subnetId", "optional, and not in the genuine calls that succeeded"},
	{"ec2 RunInstances", "only ours have", "requestParameters.userData", "sent here to see it redacted"},
	{"ec2 RunInstances", "only theirs have", "responseElements.instancesSet.items\\[\\].*", "a control plane knows nothing of machines, images and interfaces"},
	{"ec2 RunInstances", "only ours have", "responseElements.instancesSet.items\\[\\].groupSet.items\\[\\].groupName", "a group of the default VPC has its name; the genuine one has another"},
}

func (d difference) allowed(used []bool) bool {
	for i, row := range allowed {
		k, _ := path.Match(row.kind, d.kind)
		at, _ := path.Match(row.at, d.at)
		if k && at && strings.HasPrefix(d.what, row.what) {
			used[i] = true
			return true
		}
	}
	return false
}

// compareAll compares every kind of record that both sides have, and callers
// by their type.
func compareAll(t *testing.T, p *play, records []kit.JSON) {
	ours, theirs := group(records), group(readGenuine(t))
	var found []difference
	compared := 0
	for _, kind := range slices.Sorted(maps.Keys(ours)) {
		if theirs[kind] == nil {
			continue
		}
		compared++
		root := ""
		if strings.HasPrefix(kind, callers) {
			root = "userIdentity"
		}
		found = append(found, compare(kind, shapeOf(ours[kind], root), shapeOf(theirs[kind], root))...)
	}
	t.Logf("compared %d kinds", compared)
	used := make([]bool, len(allowed))
	for _, d := range found {
		if !d.allowed(used) {
			t.Errorf("%s: %s %s", d.kind, d.what, d.at)
		}
	}
	for i, row := range allowed {
		if !used[i] {
			t.Errorf("there is no difference any more of this kind: %+v", row)
		}
	}
	checkComplete(t, p, ours, theirs)
}

// callers begins the kinds that compare userIdentity.
const callers = "caller "

func group(records []kit.JSON) map[string][]kit.JSON {
	kinds := map[string][]kit.JSON{}
	for _, r := range records {
		kinds[kind(r)] = append(kinds[kind(r)], r)
		if r.At("eventType") == "AwsApiCall" {
			by := callers + r.At("userIdentity", "type")
			switch {
			case r.At("userIdentity", "invokedBy") != "":
				by += " for a service"
			case strings.HasPrefix(r.At("userIdentity", "accessKeyId"), "ASIA"):
				by += " with a session"
			}
			kinds[by] = append(kinds[by], r)
		}
	}
	return kinds
}

// undriven are genuine records the engine has an operation for and this test
// no call, each with its reason.
var undriven = map[string]string{
	"ec2 RunInstances Client.VcpuLimitExceeded": "the engine has no vCPU limit",
}

// checkComplete fails for a genuine record nobody here caused, unless the
// engine does not know the operation.
func checkComplete(t *testing.T, p *play, ours, theirs map[string][]kit.JSON) {
	known := map[string]bool{}
	for _, kind := range slices.Sorted(maps.Keys(theirs)) {
		service, operation, _ := strings.Cut(kind, " ")
		operation, _, _ = strings.Cut(operation, " ")
		protocol, ok := protocols[service]
		if !ok || ours[kind] != nil || undriven[kind] != "" || theirs[kind][0].At("eventType") != "AwsApiCall" {
			continue
		}
		name := service + " " + operation
		if _, asked := known[name]; !asked {
			known[name] = p.knows(service, operation, protocol)
		}
		if known[name] {
			t.Errorf("the engine answers %s, genuine records have %q, and no call here caused one", name, kind)
		}
	}
}

// protocols says how to ask the services that can be asked for an operation
// they may not have: the target prefix, or the version of a query protocol.
// Every operation of S3 in the genuine records that is not driven is one of S3
// Control, which is another API.
var protocols = map[string]string{
	"cloudtrail": "CloudTrail_20131101", "logs": "Logs_20140328", "ec2": "2016-11-15", "iam": "2010-05-08", "sts": "2011-06-15",
}

// knows asks the engine for an operation without parameters and reports whether
// it knows it.
func (p *play) knows(service, operation, protocol string) bool {
	p.Helper()
	body, content := "Action="+operation+"&Version="+protocol, "application/x-www-form-urlencoded; charset=utf-8"
	if strings.Contains(protocol, "_") {
		body, content = "{}", "application/x-amz-json-1.1"
	}
	req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.e.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Content-Type", content)
	if strings.Contains(protocol, "_") {
		req.Header.Set("X-Amz-Target", protocol+"."+operation)
	}
	credentials, err := p.weak.Credentials.Retrieve(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(p.Context(), credentials, req, hex.EncodeToString(sum[:]), service, kit.Region, time.Now()); err != nil {
		p.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	for _, unknown := range []string{"InvalidAction", "UnknownOperationException"} {
		if strings.Contains(string(answer), unknown) {
			return false
		}
	}
	return true
}
