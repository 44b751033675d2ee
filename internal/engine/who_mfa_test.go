package engine

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"cairn/internal/journal"
)

// phone shows the codes of a secret, as an authenticator does (RFC 6238).
func phone(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(sha1.New, seed)
	_ = binary.Write(m, binary.BigEndian, at.Unix()/30)
	sum := m.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// TestMFA: a user with a device gets a session that policies and records know to
// be one with MFA; without it, conditions keep the user out.
func TestMFA(t *testing.T) {
	c := newCourt(t)
	ctx := t.Context()
	cfg := c.user(account, "ann", document(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`), "")
	users, tokens := iam.NewFromConfig(cfg), awssts.NewFromConfig(cfg)
	made, err := users.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	secret, serial := string(made.VirtualMFADevice.Base32StringSeed), made.VirtualMFADevice.SerialNumber
	now := time.Now()
	if _, err := users.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
		UserName: aws.String("ann"), SerialNumber: serial,
		AuthenticationCode1: aws.String(phone(t, secret, now.Add(-30*time.Second))), AuthenticationCode2: aws.String(phone(t, secret, now)),
	}); err != nil {
		t.Fatal(err)
	}
	list, err := users.ListMFADevices(ctx, &iam.ListMFADevicesInput{})
	if err != nil || len(list.MFADevices) != 1 || *list.MFADevices[0].SerialNumber != *serial {
		t.Errorf("the user's devices: %+v, %v", list, err)
	}
	as := func(k *ststypes.Credentials) aws.Config {
		return c.config(*k.AccessKeyId, *k.SecretAccessKey, *k.SessionToken)
	}
	describe := func(cfg aws.Config) string {
		if _, err := ec2.NewFromConfig(cfg).DescribeInstances(ctx, &ec2.DescribeInstancesInput{}); err != nil {
			return err.Error()
		}
		return ""
	}
	plain, err := tokens.GetSessionToken(ctx, &awssts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(as(plain.Credentials)); !strings.Contains(got, "explicit deny") {
		t.Errorf("without MFA: %q", got)
	}
	if _, err := iam.NewFromConfig(as(plain.Credentials)).ListUsers(ctx, &iam.ListUsersInput{}); err == nil || !strings.Contains(err.Error(), "InvalidClientTokenId") {
		t.Errorf("IAM without MFA: %v", err)
	}
	if _, err := awssts.NewFromConfig(as(plain.Credentials)).GetSessionToken(ctx, &awssts.GetSessionTokenInput{}); err == nil {
		t.Error("a session opened a session")
	}
	for _, code := range []string{"12345", phone(t, secret, now)} { // no code, and one used up
		if _, err := tokens.GetSessionToken(ctx, &awssts.GetSessionTokenInput{SerialNumber: serial, TokenCode: &code}); err == nil {
			t.Errorf("the code %s was taken", code)
		}
	}
	next := aws.String(phone(t, secret, now.Add(30*time.Second)))
	strong, err := tokens.GetSessionToken(ctx, &awssts.GetSessionTokenInput{SerialNumber: serial, TokenCode: next})
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(as(strong.Credentials)); got != "" {
		t.Errorf("with MFA: %s", got)
	}
	if _, err := iam.NewFromConfig(as(strong.Credentials)).ListUsers(ctx, &iam.ListUsersInput{}); err != nil {
		t.Errorf("IAM with MFA: %v", err)
	}
	c.mfaRecorded(*strong.Credentials.AccessKeyId, secret, *next)
}

// mfaRecorded looks for the records of a session with MFA, and for secrets in
// any record.
func (c *court) mfaRecorded(keyID string, secrets ...string) {
	records, _, err := c.e.journal.Read(c.t.Context(), journal.Position{}, 8<<20)
	if err != nil {
		c.t.Fatal(err)
	}
	found := 0
	for _, r := range records {
		for _, s := range secrets {
			if strings.Contains(string(r.JSON), `"`+s+`"`) {
				c.t.Errorf("a secret is recorded: %s", r.JSON)
			}
		}
		var body struct {
			UserIdentity struct {
				Type, AccessKeyID string
				SessionContext    struct {
					Attributes struct{ MFAAuthenticated string }
				}
			}
		}
		if err := json.Unmarshal(r.JSON, &body); err != nil {
			c.t.Fatal(err)
		}
		if u := body.UserIdentity; u.AccessKeyID == keyID {
			found++
			if u.Type != "IAMUser" || u.SessionContext.Attributes.MFAAuthenticated != "true" {
				c.t.Errorf("a call with MFA is recorded as of %+v", u)
			}
		}
	}
	if found != 2 {
		c.t.Errorf("%d records of the session with MFA, want 2", found)
	}
}
