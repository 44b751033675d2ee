package call

import (
	"context"
	"log/slog"
	"strings"
	"testing"
)

// TestAlwaysSent denies by keys that AWS sends with every request, as policies of
// its documentation do: where one is absent, such a Deny silently never holds.
func TestAlwaysSent(t *testing.T) {
	ours := func(c *Call) { c.Op.Authorize = nil }
	for name, row := range map[string]struct {
		condition string
		change    func(*Call)
		denied    bool
	}{
		"from elsewhere, not through a service": {`{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"},"Bool":{"aws:ViaAWSService":"false"}}`, ours, true},
		"from there, not through a service":     {`{"NotIpAddress":{"aws:SourceIp":"198.51.100.0/24"},"Bool":{"aws:ViaAWSService":"false"}}`, ours, false},
		"what is ours":                          {`{"StringEquals":{"aws:ResourceAccount":"111122223333"}}`, ours, true},
		"what is not ours":                      {`{"StringNotEquals":{"aws:ResourceAccount":"111122223333"}}`, ours, false},
		"what another account owns": {`{"StringEquals":{"aws:ResourceAccount":"444455556666"}}`, func(c *Call) {
			c.Op.Authorize = func(context.Context, *Call) ([]Check, error) { return []Check{{Account: "444455556666"}}, nil }
		}, true},
		"where a service is everywhere": {`{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`, func(c *Call) { c.API.Global = true }, true},
		"where it was signed for":       {`{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`, ours, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := testCall(t, func() (*out, error) { return &out{}, nil })
			c.SourceIP = "198.51.100.7"
			deny := document(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":`+row.condition+`}}`)
			c.Principal.Policies = append(c.Principal.Policies, deny)
			row.change(c)
			d := NewDispatcher(recorderFunc(func(context.Context, *Call, any, error) error { return nil }), slog.New(slog.DiscardHandler))
			_, err := d.Do(t.Context(), c)
			if denied := err != nil && strings.Contains(err.Error(), "explicit deny"); denied != row.denied {
				t.Errorf("answered %v, want an explicit deny: %v", err, row.denied)
			}
		})
	}
}

func TestValidRegion(t *testing.T) {
	for name, want := range map[string]bool{
		"us-east-1": true, "eu-west-1": true, "ap-southeast-7": true, "us-gov-west-1": true, "cn-northwest-1": true, "eusc-de-east-1": true,
		"": false, "nowhere": false, "us-east-0": false, "us-east-10": false, "zz-east-1": false, "eu-mid-1": false, "eu-west": false,
		"us-east-1\n": false, "US-EAST-1": false, "eu-west-1/../x": false,
	} {
		if got := ValidRegion(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
