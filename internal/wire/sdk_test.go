package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/wire"
)

// exchange is an aws.HTTPClient that keeps the request and answers with reply.
type exchange struct {
	body  []byte
	reply wire.Reply
}

func (e *exchange) Do(r *http.Request) (*http.Response, error) {
	e.body = nil
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		e.body = b
	}
	return &http.Response{
		StatusCode: e.reply.Status, Header: e.reply.Header, Request: r,
		Body: io.NopCloser(bytes.NewReader(e.reply.Body)), ContentLength: int64(len(e.reply.Body)),
	}, nil
}

// service is an SDK client beside the codec that should understand it.
type service struct {
	name   string
	codec  *wire.Codec
	client reflect.Value
	wire   *exchange
	// only and without choose operations; without says why not.
	only    []string
	without map[string]string
}

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "example"}, nil
}

func services() []*service {
	var all []*service
	add := func(name string, c *wire.Codec, client func(aws.Config) any) *service {
		x := &exchange{}
		s := &service{name: name, codec: c, wire: x, client: reflect.ValueOf(client(aws.Config{
			Region: "eu-west-1", HTTPClient: x, RetryMaxAttempts: 1,
			Credentials: aws.CredentialsProviderFunc(credentials),
		}))}
		all = append(all, s)
		return s
	}
	add("cloudtrail", cloudTrailCodec(), func(c aws.Config) any { return cloudtrail.NewFromConfig(c) })
	logs := add("logs", logsCodec(), func(c aws.Config) any { return cloudwatchlogs.NewFromConfig(c) })
	logs.without = map[string]string{
		"StartLiveTail": "answers an event stream", "GetLogObject": "answers an event stream",
		"PutIntegration": "requires a union",
	}
	add("iam", iamCodec(), func(c aws.Config) any { return iam.NewFromConfig(c) }).without = map[string]string{
		"SimulatePrincipalPolicy": "takes a union",
	}
	add("sts", stsCodec(), func(c aws.Config) any { return sts.NewFromConfig(c) })
	e := add("ec2", ec2Codec(), func(c aws.Config) any { return ec2.NewFromConfig(c) })
	e.only = []string{
		"RunInstances", "DescribeInstances", "TerminateInstances", "StartInstances", "StopInstances",
		"RebootInstances", "CreateTags", "DeleteTags", "DescribeTags",
	}
	return all
}

func cloudTrailCodec() *wire.Codec {
	return &wire.Codec{Protocol: wire.JSON11, Names: wire.CloudTrailNames, Records: wire.CloudTrailRecords}
}

func logsCodec() *wire.Codec {
	return &wire.Codec{
		Protocol: wire.JSON11, LowerCamel: true, Names: wire.LogsNames, Records: wire.LogsRecords,
		Invalid: "InvalidParameterException",
	}
}

func iamCodec() *wire.Codec {
	return &wire.Codec{Protocol: wire.Query, Namespace: "https://iam.amazonaws.com/doc/2010-05-08/", Records: wire.IAMRecords}
}

func stsCodec() *wire.Codec {
	return &wire.Codec{Protocol: wire.Query, Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", Names: wire.STSNames, Records: wire.STSRecords}
}

func ec2Codec() *wire.Codec {
	return &wire.Codec{
		Protocol: wire.EC2, Namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", Names: wire.EC2Names, Records: wire.EC2Records,
	}
}

// operations returns the client's methods that are API operations.
func (s *service) operations() []reflect.Method {
	var ops []reflect.Method
	for i := range s.client.NumMethod() {
		m := s.client.Type().Method(i)
		if m.Type.NumIn() != 4 || m.Type.NumOut() != 2 || !strings.HasSuffix(m.Type.In(2).String(), "Input") {
			continue
		}
		if s.only != nil && !slices.Contains(s.only, m.Name) || s.without[m.Name] != "" {
			continue
		}
		ops = append(ops, m)
	}
	return ops
}

// call sends in with the genuine client and returns what it made of the reply.
func (s *service) call(ctx context.Context, op string, in any) (any, error) {
	out := s.client.MethodByName(op).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
	err, _ := reflect.TypeAssert[error](out[1])
	return out[0].Interface(), err
}

var sdkFields = cmp.FilterPath(func(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && (f.Name() == "ResultMetadata" || f.Name() == "noSmithyDocumentSerde")
}, cmp.Ignore())

// TestGenuineClient sends generated values of every operation through the SDK's
// own client in both directions: what it serializes we decode, what we encode
// it deserializes. A name, a list form or a time format that drifts shows here.
func TestGenuineClient(t *testing.T) {
	for _, s := range services() {
		ops := s.operations()
		if len(ops) < 9 {
			t.Errorf("%s: found only %d operations by reflection", s.name, len(ops))
		}
		for _, op := range ops {
			t.Run(s.name+"/"+op.Name, func(t *testing.T) {
				for seed := range uint64(4) {
					s.roundTrip(t, op, seed)
				}
			})
		}
	}
}

func (s *service) roundTrip(t *testing.T, op reflect.Method, seed uint64) {
	t.Helper()
	fill := &filler{
		r: rand.New(rand.NewPCG(seed, uint64(len(op.Name)))), ec2: s.codec.Protocol == wire.EC2,
		millis: s.codec.Protocol == wire.JSON11,
	}
	in := reflect.New(op.Type.In(2).Elem())
	fill.fill(in.Elem(), 0)
	out := reflect.New(op.Type.Out(0).Elem())
	fill.fill(out.Elem(), 0)

	var err error
	if s.wire.reply, err = s.codec.Encode(op.Name, "req-1", out.Interface()); err != nil {
		t.Fatalf("encode output: %v", err)
	}
	got, err := s.call(t.Context(), op.Name, in.Interface())
	if err != nil {
		t.Fatalf("the SDK refuses our reply: %v\n%s", err, s.wire.reply.Body)
	}
	if diff := cmp.Diff(out.Interface(), got, sdkFields); diff != "" {
		t.Errorf("output as the SDK reads it (-ours +SDK):\n%s\n%s", diff, s.wire.reply.Body)
	}
	decoded := reflect.New(in.Type().Elem())
	if err := s.codec.Decode(s.wire.body, decoded.Interface()); err != nil {
		t.Fatalf("decode what the SDK sent: %v\n%s", err, s.wire.body)
	}
	if diff := cmp.Diff(in.Interface(), decoded.Interface(), sdkFields); diff != "" {
		t.Errorf("input as we read it (-SDK +ours):\n%s\n%s", diff, s.wire.body)
	}
	for _, v := range []any{in.Interface(), out.Interface()} {
		rec, err := s.codec.Record(v)
		if err != nil {
			t.Errorf("record of %T: %v", v, err)
		} else if rec != nil {
			checkObject(t, rec)
		}
	}
}

// TestGenuineClientErrors lets the SDK read our errors.
func TestGenuineClientErrors(t *testing.T) {
	for _, s := range services() {
		op := s.operations()[0]
		in := reflect.New(op.Type.In(2).Elem())
		(&filler{r: rand.New(rand.NewPCG(1, 1))}).fill(in.Elem(), 0)
		s.wire.reply = s.codec.EncodeError(awserr.New(http.StatusBadRequest, "SomethingException", "a <bad> \"thing\" & more"), "req-2")
		_, err := s.call(t.Context(), op.Name, in.Interface())
		var api smithy.APIError
		if !errors.As(err, &api) {
			t.Fatalf("%s: %v is no API error", s.name, err)
		}
		if api.ErrorCode() != "SomethingException" || api.ErrorMessage() != "a <bad> \"thing\" & more" {
			t.Errorf("%s: the SDK read %q %q", s.name, api.ErrorCode(), api.ErrorMessage())
		}
		if !strings.Contains(fmt.Sprint(err), "req-2") {
			t.Errorf("%s: the SDK found no request id: %v", s.name, err)
		}
	}
}

// TestTables checks that every key of the tables names a field of a type that
// the service's operations carry.
func TestTables(t *testing.T) {
	for _, s := range services() {
		fields := map[string]bool{}
		for _, op := range s.operations() {
			walk(op.Type.In(2).Elem(), fields)
			walk(op.Type.Out(0).Elem(), fields)
		}
		check := func(table, key string) {
			if !fields[key] {
				t.Errorf("%s: %s names %s, which no operation has", s.name, table, key)
			}
		}
		r := s.codec.Records
		for typ, order := range r.Order {
			for _, f := range order {
				check("Order", typ+"."+f)
			}
		}
		for table, m := range map[string]map[string]string{
			"codec.Names": s.codec.Names, "Names": r.Names, "Hide": r.Hide, "Lists": r.Lists, "Wrap": r.Wrap, "Nest": r.Nest,
		} {
			for key := range m {
				check(table, key)
			}
		}
		for table, m := range map[string]map[string]bool{"Omit": r.Omit, "Always": r.Always} {
			for key := range m {
				check(table, key)
			}
		}
	}
}

// walk notes "Type.Field" of a struct and everything in it.
func walk(t reflect.Type, fields map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		walk(t.Elem(), fields)
	case reflect.Struct:
		for field := range t.Fields() {
			key := t.Name() + "." + field.Name
			if field.IsExported() && !fields[key] {
				fields[key] = true
				walk(field.Type, fields)
			}
		}
	default:
	}
}
