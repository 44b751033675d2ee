package setup_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"cairn/setup"
)

// Sets up a trail of this account in someone else's bucket: read what the
// files describe, plan, apply.
func Example() {
	// An account without trails stands in for AWS here; a program for AWS
	// leaves the next lines out.
	endpoint := httptest.NewServer(http.HandlerFunc(emptyAccount))
	defer endpoint.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint.URL, "AWS_ACCESS_KEY_ID": "example", "AWS_SECRET_ACCESS_KEY": "example",
	} {
		if err := os.Setenv(name, value); err != nil {
			slog.Error("prepare environment", "err", err)
			return
		}
		defer os.Unsetenv(name)
	}

	ctx := context.Background()
	files, err := setup.Read(setup.Source{
		Dir:       "../examples/someone-elses-bucket",
		Variables: []setup.Variable{{Assign: "account_id=123456789012"}},
	})
	if err != nil {
		slog.Error("read", "err", err)
		return
	}
	account, err := files.Connect(ctx)
	if err != nil {
		slog.Error("connect", "err", err)
		return
	}
	plan, err := account.Plan(ctx)
	if err != nil {
		slog.Error("plan", "err", err)
		return
	}
	fmt.Println("to add:", plan.Count().Add)
	done, err := account.Apply(ctx, plan, func(e setup.Event) { fmt.Println(e.Address, e.Text) })
	if err != nil {
		slog.Error("apply", "err", err)
		return
	}
	fmt.Println("added:", done.Add)
	// Output:
	// to add: 1
	// module.cloudtrail.aws_cloudtrail.this Creating...
	// module.cloudtrail.aws_cloudtrail.this Creation complete after 0s [id=digitalmarketplace-gds-audit-cloudtrail]
	// added: 1
}

// emptyAccount answers the calls of the example.
func emptyAccount(w http.ResponseWriter, r *http.Request) {
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasSuffix(target, ".DescribeTrails"):
		fmt.Fprint(w, `{"trailList":[]}`)
	case target != "": // CreateTrail, StartLogging
		fmt.Fprint(w, `{}`)
	default:
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/example</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}
}
