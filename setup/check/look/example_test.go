package look_test

import (
	"context"
	"fmt"
	"log/slog"

	"cairn/setup"
	"cairn/setup/check"
	"cairn/setup/check/look"
	"cairn/setup/setuptest"
)

// withEngine runs an example on an engine of its own. A program for AWS needs
// nothing of the kind: it uses the credentials it is run with.
func withEngine(run func(ctx context.Context) error) {
	ctx := context.Background()
	stop, err := setuptest.Engine(ctx)
	if err != nil {
		slog.Error("start engine", "err", err)
		return
	}
	if err := run(ctx); err != nil {
		slog.Error("run example", "err", err)
	}
	if err := stop(); err != nil {
		slog.Error("stop engine", "err", err)
	}
}

// Checks an account against what Go values describe.
func ExampleWithFiles() {
	withEngine(func(ctx context.Context) error {
		files, err := setup.Describe(setup.Description{
			Provider: setup.Provider{Region: "eu-west-1"},
			Modules:  []setup.Module{&setup.Trail{TrailName: "audit", BucketName: "audit-logs"}},
		})
		if err != nil {
			return err
		}
		return checkAll(ctx, files)
	})
	// Output:
	// account 123456789012: trail-exists, because account 123456789012 has no trail audit that records eu-west-1
}

// Checks an account against the HCL files of a folder.
func ExampleWithFiles_folder() {
	withEngine(func(ctx context.Context) error {
		files, err := setup.Read(setup.Source{
			Dir:       "../../../examples/someone-elses-bucket",
			Variables: []setup.Variable{{Assign: "account_id=123456789012"}},
		})
		if err != nil {
			return err
		}
		return checkAll(ctx, files)
	})
	// Output:
	// account 123456789012: trail-exists, because account 123456789012 has no trail digitalmarketplace-gds-audit-cloudtrail that records eu-west-1
}

// checkAll says what is critical in the accounts that files are for.
func checkAll(ctx context.Context, files *setup.Files) error {
	account, err := files.Connect(ctx)
	if err != nil {
		return err
	}
	reports, err := look.Run(ctx, look.WithFiles(account), look.Options{})
	if err != nil {
		return err
	}
	for _, r := range reports {
		for _, f := range r.AtLeast(check.Critical).Findings {
			fmt.Printf("account %s: %s, because %s\n", r.Account, f.ID, f.Evidence)
		}
	}
	return nil
}
