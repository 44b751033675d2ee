package setup

import (
	"context"

	"cairn/setup/internal/account"
	"cairn/setup/internal/hclfile"
	"cairn/setup/internal/resource"
)

// Drift is one resource that is not as the files describe it.
type Drift struct {
	// Address is where the files declare it, such as
	// module.cloudtrail.aws_cloudtrail.this.
	Address string
	// Kind is its type as Terraform calls it, such as aws_cloudtrail.
	Kind string
	// ID is what AWS knows it by: a trail's, bucket's, log group's or role's
	// name; for a setting of a bucket, the bucket's name; for a role's policy
	// ROLE:POLICY.
	ID string
	// Action is what applying the files would do: create, update, replace or delete.
	Action string
	// Attributes are those that differ; none if the resource is missing.
	Attributes []string
}

// Drift lists what differs between the account and the files. It only reads,
// and compares what the modules did not make too.
func (a *Account) Drift(ctx context.Context) ([]Drift, error) {
	found, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	var list []Drift
	for _, c := range resource.Diff(a.wanted.Resources, found) {
		if c.Action == resource.NoOp {
			continue
		}
		d := Drift{Address: c.Address, Kind: c.Spec.Kind(), ID: resource.ID(c.Spec), Action: string(c.Action)}
		for _, attr := range c.Attrs {
			if attr.Changed && c.Found != nil {
				d.Attributes = append(d.Attributes, attr.Name)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// Split returns an Account for each provider block the modules use, with what
// is made through it alone.
func (a *Account) Split() []*Account {
	var parts []*Account
	for _, p := range a.wanted.Providers {
		wanted := *a.wanted
		wanted.Providers, wanted.Resources = []hclfile.Provider{p}, nil
		for _, r := range a.wanted.Resources {
			if r.Provider == p.Name {
				wanted.Resources = append(wanted.Resources, r)
			}
		}
		parts = append(parts, &Account{clients: a.clients, wanted: &wanted, adopt: a.adopt})
	}
	return parts
}

// Trails returns the names of the trails the files describe.
func (a *Account) Trails() []string {
	var names []string
	for _, r := range a.wanted.Resources {
		if t, ok := r.Spec.(*resource.Trail); ok {
			names = append(names, t.Name)
		}
	}
	return names
}

// Buckets returns the names of the buckets the files describe.
func (a *Account) Buckets() []string {
	var names []string
	for _, r := range a.wanted.Resources {
		if b, ok := r.Spec.(*resource.Bucket); ok {
			names = append(names, b.Bucket)
		}
	}
	return names
}

// Client returns how the first module's account is called. It is for the
// packages below setup.
func (a *Account) Client() *account.Client { return a.first() }
