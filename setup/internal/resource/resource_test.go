package resource

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPolicySame(t *testing.T) {
	base := Policy(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"x","Condition":{"Bool":{"aws:SecureTransport":"false"}}},{"Effect":"Deny","Action":"s3:*","Resource":["y"]}]}`)
	for name, tt := range map[string]struct {
		other Policy
		same  bool
	}{
		"itself":            {base, true},
		"other order":       {`{"Statement":[{"Action":["s3:*"],"Resource":"y","Effect":"Deny","Sid":""},{"Condition":{"Bool":{"aws:securetransport":[false]}},"Sid":"A","Effect":"Allow","Principal":"*","Resource":["x"],"Action":["S3:PutObject","s3:GetObject"]}],"Version":"2012-10-17"}`, true},
		"one action less":   {`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":"x","Condition":{"Bool":{"aws:SecureTransport":"false"}}},{"Effect":"Deny","Action":"s3:*","Resource":["y"]}]}`, false},
		"another condition": {`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"x","Condition":{"Bool":{"aws:SecureTransport":"true"}}},{"Effect":"Deny","Action":"s3:*","Resource":["y"]}]}`, false},
		"another version":   {`{"Version":"2008-10-17","Statement":[]}`, false},
		"not JSON":          {`{`, false},
		"odd shapes":        {`{"Statement":[1]}`, false},
	} {
		if got := base.Same(tt.other); got != tt.same {
			t.Errorf("%s: same %v, want %v", name, got, tt.same)
		}
		if got := tt.other.Same(base); got != tt.same {
			t.Errorf("%s, turned around: same %v, want %v", name, got, tt.same)
		}
	}
}

func TestDiff(t *testing.T) {
	bucket := &Bucket{Bucket: "b", ForceDestroy: true, Tags: map[string]string{"a": "1"}}
	for _, tt := range []struct {
		name        string
		want, found Spec
		action      Action
		changed     []string
	}{
		{"absent", bucket, nil, Create, []string{"bucket", "force_destroy", "object_lock_enabled", "tags"}},
		{"equal; force_destroy is nowhere", bucket, &Bucket{Bucket: "b", Tags: map[string]string{"a": "1"}}, NoOp, nil},
		{"tags", bucket, &Bucket{Bucket: "b", Tags: map[string]string{"a": "2"}}, Update, []string{"tags"}},
		{"tags to remove", &Bucket{Bucket: "b"}, &Bucket{Bucket: "b", Tags: map[string]string{"a": "2"}}, Update, []string{"tags"}},
		{"empty tags are none", &Bucket{Bucket: "b", Tags: map[string]string{}}, &Bucket{Bucket: "b"}, NoOp, nil},
		{"object lock", &Bucket{Bucket: "b", ObjectLock: true}, &Bucket{Bucket: "b"}, Replace, []string{"object_lock_enabled"}},
		{"retention to never", &LogGroup{Name: "g"}, &LogGroup{Name: "g", ARN: "arn", RetentionDays: 7}, Update, []string{"retention_in_days"}},
		{"insights in another order", &Trail{InsightTypes: []string{"a", "b"}}, &Trail{InsightTypes: []string{"b", "a"}}, NoOp, nil},
		{"insights gone", &Trail{}, &Trail{InsightTypes: []string{"b", "a"}}, Update, []string{"insight_types"}},
		{"selectors", &Trail{Selectors: []EventSelector{{ReadWrite: "All"}}}, &Trail{}, Update, []string{"event_selector"}},
	} {
		found := map[string]Spec{}
		if tt.found != nil {
			found["x"] = tt.found
		}
		c := Diff([]Resource{{Address: "x", Spec: tt.want}}, found)[0]
		var changed []string
		for _, a := range c.Attrs {
			if a.Changed {
				changed = append(changed, a.Name)
			}
		}
		if c.Action != tt.action || !cmp.Equal(changed, tt.changed) {
			t.Errorf("%s: %s %v, want %s %v", tt.name, c.Action, changed, tt.action, tt.changed)
		}
	}
}

func TestReplacedBucketTakesItsSettings(t *testing.T) {
	wanted := []Resource{
		{Address: "bucket", Spec: &Bucket{Bucket: "b", ObjectLock: true}},
		{Address: "versioning", Part: "bucket", Spec: &BucketVersioning{Bucket: "b", Status: "Enabled"}},
		{Address: "lock", Part: "bucket", Spec: &BucketObjectLock{Bucket: "b", Mode: "GOVERNANCE", Days: 1}},
	}
	found := map[string]Spec{"bucket": &Bucket{Bucket: "b"}, "versioning": &BucketVersioning{Bucket: "b", Status: "Enabled"}}
	changes := Diff(wanted, found)
	var actions []Action
	for _, c := range changes {
		actions = append(actions, c.Action)
	}
	if d := cmp.Diff([]Action{Replace, Replace, Create}, actions); d != "" {
		t.Error(d)
	}
	if n := Tally(changes); n != (Count{Add: 3, Destroy: 2}) {
		t.Errorf("count %+v", n)
	}
}

func TestRemovalGoesBackwards(t *testing.T) {
	wanted := []Resource{
		{Address: "bucket", Spec: &Bucket{Bucket: "b"}},
		{Address: "role", Spec: &Role{Name: "r"}},
		{Address: "trail", Spec: &Trail{Name: "t"}},
	}
	var order []string
	for _, c := range Removal(wanted, map[string]Spec{"bucket": &Bucket{Bucket: "b"}, "trail": &Trail{Name: "t"}}) {
		order = append(order, c.Address+" "+string(c.Action))
	}
	if d := cmp.Diff([]string{"trail delete", "bucket delete"}, order); d != "" {
		t.Error(d)
	}
}

// TestAbsent takes a setting away that is there and not wanted, unless it goes
// with its bucket anyway.
func TestAbsent(t *testing.T) {
	tags := map[string]string{OwnerTag: "cloudtrail-bucket"}
	wanted := []Resource{
		{Address: "bucket", Spec: &Bucket{Bucket: "b", Tags: tags}},
		{Address: "lifecycle", Part: "bucket", Absent: true, Spec: &BucketLifecycle{Bucket: "b"}},
		{Address: "versioning", Part: "bucket", Absent: true, Spec: &BucketVersioning{Bucket: "b", Status: "Enabled"}},
	}
	rules, locked := &BucketLifecycle{Bucket: "b", ExpirationDays: 9}, &Bucket{Bucket: "b", ObjectLock: true, Tags: tags}
	bucket := &Bucket{Bucket: "b", Tags: tags}
	for name, tt := range map[string]struct {
		found map[string]Spec
		want  string
	}{
		"not there":       {map[string]Spec{"bucket": bucket}, "bucket:no-op "},
		"there":           {map[string]Spec{"bucket": bucket, "lifecycle": rules, "versioning": &BucketVersioning{Status: "Enabled"}}, "bucket:no-op lifecycle:delete versioning:delete "},
		"suspended":       {map[string]Spec{"bucket": bucket, "versioning": &BucketVersioning{Status: "Suspended"}}, "bucket:no-op "},
		"bucket replaced": {map[string]Spec{"bucket": locked, "lifecycle": rules}, "bucket:replace "},
		"no bucket":       {nil, "bucket:create "},
	} {
		got := ""
		for _, c := range Diff(wanted, tt.found) {
			got += c.Address + ":" + string(c.Action) + " "
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		for _, c := range Removal(wanted, tt.found) {
			if c.Absent {
				t.Errorf("%s: %s is removed apart from its bucket", name, c.Address)
			}
		}
	}
}

// TestForeign marks what the modules did not make, and its parts.
func TestForeign(t *testing.T) {
	tags := map[string]string{OwnerTag: "cloudtrail-bucket"}
	wanted := []Resource{
		{Address: "bucket", Spec: &Bucket{Bucket: "b", Tags: tags}},
		{Address: "policy", Part: "bucket", Spec: &BucketPolicy{Bucket: "b"}},
		{Address: "versioning", Part: "bucket", Spec: &BucketVersioning{Bucket: "b", Status: "Enabled"}},
	}
	for name, tt := range map[string]struct {
		tags map[string]string
		want string
	}{
		"ours":           {map[string]string{OwnerTag: "cloudtrail-bucket", "more": "1"}, "bucket:false policy:false versioning:false "},
		"nobody's":       {nil, "bucket:true policy:true versioning:true "},
		"another module": {map[string]string{OwnerTag: "cloudtrail"}, "bucket:true policy:true versioning:true "},
	} {
		found := map[string]Spec{"bucket": &Bucket{Bucket: "b", Tags: tt.tags}, "policy": &BucketPolicy{Bucket: "b"}}
		got := ""
		for _, c := range Diff(wanted, found) {
			got += fmt.Sprintf("%s:%v ", c.Address, c.Foreign)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		for _, c := range Removal(wanted, found) {
			if want := name != "ours"; c.Foreign != want {
				t.Errorf("%s: removing %s is foreign: %v", name, c.Address, c.Foreign)
			}
		}
	}
	if c := Diff(wanted, nil); c[0].Foreign || c[1].Foreign {
		t.Error("what is not there is foreign")
	}
}

func FuzzPolicySame(f *testing.F) {
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, `{"Statement":[]}`)
	f.Add(`{"Statement":[{"Principal":["a"],"Condition":{"a":1}}]}`, `[]`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if Policy(a).Same(Policy(b)) != Policy(b).Same(Policy(a)) {
			t.Errorf("not symmetric: %q %q", a, b)
		}
		_ = Policy(a).Pretty()
	})
}
