package setup_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"cairn/setup"
)

// everything uses all modules, and most kinds of resources; the variable v says
// which of their settings.
const everything = `
provider "aws" { region = "eu-west-1" }
variable "v" { default = "1" }
module "bucket" {
  source           = "./cloudtrail-bucket"
  s3_bucket_name   = "interrupted"
  force_destroy    = true
  object_lock_mode = var.v == "locked" ? "GOVERNANCE" : ""
  object_lock_days = var.v == "locked" ? 1 : 0
  expiration_days  = var.v == "1" ? 400 : 500
  tags             = { v = var.v }
}
module "cloudwatch" {
  source            = "./cloudtrail-cloudwatch"
  trail_name        = "interrupted"
  retention_in_days = var.v == "1" ? 731 : 30
  tags              = { v = var.v }
}
module "trail" {
  source                     = "./cloudtrail"
  trail_name                 = "interrupted"
  s3_bucket_name             = module.bucket.s3_bucket_name
  s3_bucket_key_prefix       = "v${var.v}"
  cloud_watch_logs_role_arn  = module.cloudwatch.cloud_watch_logs_role_arn
  cloud_watch_logs_group_arn = module.cloudwatch.cloud_watch_logs_group_arn
  enable_logging             = var.v == "1"
  event_selectors            = [{ read_write_type = var.v == "1" ? "WriteOnly" : "ReadOnly" }]
  tags                       = { v = var.v }
}
module "validate" {
  source          = "./cloudtrail-validate-logs-role"
  assume_role_arn = "arn:aws:iam::444455556666:root"
  s3_bucket_arn   = module.bucket.s3_bucket_arn
  tags            = { v = var.v }
}
`

// TestInterrupted kills apply and destroy at every single request they make:
// once before it is sent, once after it was carried out but before the answer
// came. Run again, each must complete.
func TestInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("kills some hundred runs, which takes a minute")
	}
	onEngine(t, "111122223333", "444455556666")
	dir := folder(t, everything)
	at := func(v string) setup.Source {
		return setup.Source{Dir: dir, Variables: []setup.Variable{{Assign: "v=" + v}}}
	}
	settled := func(t *testing.T, v string) {
		t.Helper()
		a := open(t, at(v))
		p, err := a.Plan(t.Context())
		if err != nil {
			t.Fatalf("plan again: %v", err)
		}
		apply(t, a, p)
		plan(t, open(t, at(v)), setup.Count{})
	}
	gone := func(t *testing.T, v string) {
		t.Helper()
		a := open(t, at(v))
		p, err := a.PlanDestroy(t.Context())
		if err != nil {
			t.Fatalf("plan to destroy again: %v", err)
		}
		apply(t, a, p)
		if p, err = a.PlanDestroy(t.Context()); err != nil || !p.Empty() {
			t.Fatalf("something is left: %+v, %v", p.Count(), err)
		}
	}
	for name, tt := range map[string]struct {
		before  string // what is applied in peace first
		v       string // what is applied then, and interrupted
		destroy bool
	}{
		"create":  {"", "1", false},
		"update":  {"1", "2", false},
		"replace": {"1", "locked", false},
		"destroy": {"1", "1", true},
	} {
		for _, sent := range []bool{false, true} {
			for nth := 1; ; nth++ {
				broke := false
				t.Run(fmt.Sprintf("%s/sent=%v/%d", name, sent, nth), func(t *testing.T) {
					if tt.before != "" {
						settled(t, tt.before)
					}
					broke = interrupt(t, at(tt.v), tt.destroy, nth, sent)
					if !tt.destroy {
						settled(t, tt.v)
					}
					gone(t, tt.v)
				})
				if t.Failed() || !broke {
					break
				}
			}
		}
	}
}

// interrupt applies or destroys and kills it at the nth request. It reports
// whether there were as many.
func interrupt(t *testing.T, s setup.Source, destroy bool, nth int, sent bool) bool {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	// Connecting and planning only read, so the count begins with applying.
	reading := newCut(1<<30, false, kill)
	s.Transport = reading
	a := open(t, s)
	read := a.Plan
	if destroy {
		read = a.PlanDestroy
	}
	p, err := read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := <-reading.turn
	reading.nth, reading.sent = n+nth, sent
	reading.turn <- n
	if _, err = a.Apply(ctx, p, nil); err == nil && reading.broke() {
		t.Fatal("it was interrupted, and did not say so")
	}
	if err != nil && !reading.broke() {
		t.Fatalf("nobody interrupted it: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "--adopt") {
		t.Errorf("%v", err)
	}
	return reading.broke()
}
