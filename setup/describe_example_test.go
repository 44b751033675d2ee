package setup_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"cairn/setup"
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

// audit describes a trail with a bucket and a log group of its own.
func audit() setup.Description {
	bucket := &setup.Bucket{S3BucketName: "audit-logs", ForceDestroy: true}
	logs := &setup.CloudWatch{TrailName: "audit", RetentionInDays: new(365)}
	trail := &setup.Trail{
		TrailName:              "audit",
		S3BucketName:           bucket.Outputs().S3BucketName,
		CloudWatchLogsRoleARN:  logs.Outputs().CloudWatchLogsRoleARN,
		CloudWatchLogsGroupARN: logs.Outputs().CloudWatchLogsGroupARN,
	}
	return setup.Description{
		Provider: setup.Provider{Region: "eu-west-1"},
		Modules:  []setup.Module{bucket, logs, trail},
		Outputs:  map[string]setup.Text{"trail_arn": trail.Outputs().TrailARN},
	}
}

// Describes a trail and its bucket in Go, and plans them.
func ExampleDescribe() {
	withEngine(func(ctx context.Context) error {
		bucket := &setup.Bucket{S3BucketName: "audit-logs", ExpirationDays: 400}
		trail := &setup.Trail{
			TrailName:    "audit",
			S3BucketName: bucket.Outputs().S3BucketName, // so the trail waits for the bucket and its policy
			EventSelectors: []setup.EventSelector{{
				ReadWriteType: "WriteOnly",
				DataResources: []setup.DataResource{{Type: "AWS::S3::Object", Values: []setup.Text{"arn:aws:s3:::secrets/"}}},
			}},
		}
		files, err := setup.Describe(setup.Description{
			Provider: setup.Provider{Region: "eu-west-1", DefaultTags: map[string]string{"owner": "security"}},
			Modules:  []setup.Module{bucket, trail},
			Outputs:  map[string]setup.Text{"trail_arn": trail.Outputs().TrailARN},
		})
		if err != nil {
			return err
		}
		account, err := files.Connect(ctx)
		if err != nil {
			return err
		}
		plan, err := account.Plan(ctx)
		if err != nil {
			return err
		}
		fmt.Println(account)
		fmt.Println("to add:", plan.Count().Add)
		return plan.WriteOutputs(os.Stdout, false)
	})
	// Output:
	// account 123456789012 in eu-west-1
	// to add: 7
	//
	// Outputs:
	//
	// trail_arn = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/audit"
}

// Every mistake is found at once, before AWS is asked for anything.
func ExampleDescribe_mistakes() {
	_, err := setup.Describe(setup.Description{Modules: []setup.Module{
		&setup.CloudWatch{TrailName: "audit", RetentionInDays: new(360)},
		&setup.Trail{TrailName: "audit", EnableLogging: new(false)},
	}})
	fmt.Println(err)
	// Output:
	// module "cloudtrail-cloudwatch": CloudWatch Logs does not keep records for 360 days; the accepted values around it are 180 or 365
	// module "cloudtrail": the bucket is missing: give s3_bucket_name or bucket_name
}

// Reads the HCL files of a folder; mistakes come with their places.
func ExampleRead() {
	_, err := setup.Read(setup.Source{
		Dir:       "../examples/own-bucket",
		Variables: []setup.Variable{{Assign: "account_id=12345"}},
	})
	fmt.Println(err)
	// Output:
	// ../examples/own-bucket/main.tf:16:1: variable "account_id" (given by --var account_id) is refused: An account id has 12 digits.
}

// Plans what a folder's HCL files describe. On AWS the JSON form is for a
// review, the text one for a person.
func ExampleAccount_Plan() {
	withEngine(func(ctx context.Context) error {
		files, err := setup.Read(setup.Source{
			Dir:       "../examples/own-bucket",
			Variables: []setup.Variable{{Assign: "account_id=123456789012"}},
		})
		if err != nil {
			return err
		}
		account, err := files.Connect(ctx)
		if err != nil {
			return err
		}
		plan, err := account.Plan(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%+v, nothing to do: %t\n", plan.Count(), plan.Empty())
		arn, _ := plan.Output("trail_arn")
		fmt.Println(arn)
		return nil
	})
	// Output:
	// {Add:9 Change:0 Destroy:0}, nothing to do: false
	// arn:aws:cloudtrail:eu-west-1:123456789012:trail/digitalmarketplaces-account-cloudtrail
}

// Applies a description given in Go, changes it, and applies it again.
func ExampleAccount_Apply() {
	withEngine(func(ctx context.Context) error {
		for _, days := range []int{365, 731} {
			d := audit()
			for _, m := range d.Modules {
				if logs, ok := m.(*setup.CloudWatch); ok {
					logs.RetentionInDays = new(days)
				}
			}
			files, err := setup.Describe(d)
			if err != nil {
				return err
			}
			account, err := files.Connect(ctx)
			if err != nil {
				return err
			}
			plan, err := account.Plan(ctx)
			if err != nil {
				return err
			}
			done, err := account.Apply(ctx, plan, nil)
			if err != nil {
				return err // what was done is kept: plan and apply again to go on
			}
			fmt.Printf("%d days: %+v\n", days, done)
		}
		return nil
	})
	// Output:
	// 365 days: {Add:9 Change:0 Destroy:0}
	// 731 days: {Add:0 Change:1 Destroy:0}
}

// Destroys what a description given in Go made.
func ExampleAccount_PlanDestroy() {
	withEngine(func(ctx context.Context) error {
		files, err := setup.Describe(audit())
		if err != nil {
			return err
		}
		account, err := files.Connect(ctx)
		if err != nil {
			return err
		}
		made, err := account.Plan(ctx)
		if err != nil {
			return err
		}
		if _, err := account.Apply(ctx, made, nil); err != nil {
			return err
		}

		gone, err := account.PlanDestroy(ctx)
		if err != nil {
			return err
		}
		done, err := account.Apply(ctx, gone, nil)
		if err != nil {
			return err
		}
		fmt.Printf("%+v\n", done)
		return nil
	})
	// Output:
	// {Add:0 Change:0 Destroy:9}
}
