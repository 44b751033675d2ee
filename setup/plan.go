package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/account"
	"cairn/setup/internal/hclfile"
	"cairn/setup/internal/render"
	"cairn/setup/internal/resource"
)

// parallel bounds the AWS calls made at a time, as Terraform's default does.
const parallel = 10

// Plan is what to change so that the account is as the files describe.
type Plan struct {
	changes []resource.Change
	destroy bool
	// left holds what destroy leaves alone, because it is not the modules'.
	left []resource.Change
	// warnings foresee what AWS would refuse.
	warnings []string
	outputs  []hclfile.Output
	secrets  []string
}

// Count is how many resources are added, changed and destroyed.
type Count = resource.Count

// Plan reads the account and compares it with the files. It changes nothing.
// It refuses resources that have a name from the files and were not made by
// the modules, unless they are to be adopted.
func (a *Account) Plan(ctx context.Context) (*Plan, error) {
	found, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{changes: resource.Diff(a.wanted.Resources, found), outputs: a.wanted.Outputs, secrets: a.wanted.Secrets}
	if err := a.refuseForeign(p); err != nil {
		return nil, err
	}
	a.foresee(ctx, p)
	return p, a.refuseFullBuckets(ctx, p)
}

// foresee asks, for each trail that would be made or changed, whether its bucket
// would let it in: a bucket that is not the files' own, whose policy stays as it
// is. It does so with what can be read, and stays silent otherwise.
func (a *Account) foresee(ctx context.Context, p *Plan) {
	own := map[string]bool{}
	for _, r := range a.wanted.Resources {
		if b, ok := r.Spec.(*resource.BucketPolicy); ok {
			own[b.Bucket] = true
		}
	}
	for _, c := range p.changes {
		t, ok := c.Spec.(*resource.Trail)
		if !ok || own[t.Bucket] || c.Action == resource.NoOp || c.Action == resource.Delete {
			continue
		}
		if why := a.clients[c.Provider].Foresee(ctx, t); why != "" {
			p.warnings = append(p.warnings, fmt.Sprintf("%s: CloudTrail would refuse this trail: %s", c.Address, why))
		}
	}
}

// Warnings are what AWS would refuse if the plan were applied as things are,
// each with the reason and what mends it.
func (p *Plan) Warnings() []string { return p.warnings }

// refuseForeign refuses to change what has a name from the files but was not
// made by the modules.
func (a *Account) refuseForeign(p *Plan) error {
	var errs []error
	for _, c := range p.changes {
		if c.Foreign && c.Part == "" && !a.adopt {
			errs = append(errs, fmt.Errorf("%s: %s %q is there already and was not made by this module (it has no tag %s = %s): give it another name in the files, or take it over with --adopt; nothing was changed",
				c.Address, c.Spec.Kind(), resource.ID(c.Spec), resource.OwnerTag, resource.OwnerOf(c.Spec)))
		}
	}
	return errors.Join(errs...)
}

// PlanDestroy plans to remove what the files describe, in reverse order. It
// leaves alone what the modules did not make, unless that is to be adopted,
// and refuses a bucket that holds objects unless its block says force_destroy.
func (a *Account) PlanDestroy(ctx context.Context) (*Plan, error) {
	found, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{destroy: true, secrets: a.wanted.Secrets}
	for _, c := range resource.Removal(a.wanted.Resources, found) {
		if c.Foreign && !a.adopt {
			p.left = append(p.left, c)
			continue
		}
		p.changes = append(p.changes, c)
	}
	return p, a.refuseFullBuckets(ctx, p)
}

// find reads all wanted resources from the account at the same time.
func (a *Account) find(ctx context.Context) (map[string]resource.Spec, error) {
	specs := make([]resource.Spec, len(a.wanted.Resources))
	errs := make([]error, len(a.wanted.Resources))
	var wg sync.WaitGroup
	free := make(chan struct{}, parallel)
	for i, r := range a.wanted.Resources {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			if specs[i], errs[i] = a.clients[r.Provider].Find(ctx, r.Spec); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w%s", r.Address, errs[i], account.Hint(errs[i]))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	found := map[string]resource.Spec{}
	for i, r := range a.wanted.Resources {
		if specs[i] != nil {
			found[r.Address] = specs[i]
		}
	}
	return found, nil
}

// refuseFullBuckets refuses to plan the removal of log files nobody allowed
// to be removed, so that not even the trail is touched.
func (a *Account) refuseFullBuckets(ctx context.Context, p *Plan) error {
	for _, c := range p.changes {
		b, ok := c.Found.(*resource.Bucket)
		if !ok || b.ForceDestroy || c.Action != resource.Delete && c.Action != resource.Replace {
			continue
		}
		empty, err := a.clients[c.Provider].Empty(ctx, b.Bucket)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Address, err)
		}
		if !empty {
			return fmt.Errorf("%s: the bucket %s holds objects, and removing it would delete them: set force_destroy = true in its module block if that is meant; nothing was changed", c.Address, b.Bucket)
		}
	}
	return nil
}

// Count counts the planned changes.
func (p *Plan) Count() Count { return resource.Tally(p.changes) }

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return p.Count() == Count{} }

// WriteText writes the plan as Terraform shows plans, with ANSI colours if
// color is set.
func (p *Plan) WriteText(w io.Writer, color bool) error {
	style := render.Style{Color: color, Secrets: p.secrets}
	if err := render.Plan(w, p.changes, p.destroy, style); err != nil {
		return err
	}
	for _, warning := range p.warnings {
		if _, err := fmt.Fprintf(w, "\nWarning: %s\n", warning); err != nil {
			return err
		}
	}
	return render.Left(w, p.left)
}

// WriteOutputs writes the output values; after a destroy there are none.
func (p *Plan) WriteOutputs(w io.Writer, color bool) error {
	return render.Outputs(w, p.outputs, render.Style{Color: color, Secrets: p.secrets})
}

// Output returns the output value of a name. It returns false if there is none
// or it is not a text; WriteOutputs and the plan's JSON have all kinds. A
// sensitive value is returned too.
func (p *Plan) Output(name string) (value string, ok bool) {
	for _, o := range p.outputs {
		if o.Name == name && o.Value.IsKnown() && !o.Value.IsNull() && o.Value.Type() == cty.String {
			return o.Value.AsString(), true
		}
	}
	return "", false
}

// MarshalJSON returns the plan as `terraform show -json` names things:
// resource_changes (address, type, change: actions, before, after),
// output_values, a summary (add, change, destroy) and the warnings.
func (p *Plan) MarshalJSON() ([]byte, error) {
	j := render.ToJSON(p.changes, p.outputs, render.Style{Secrets: p.secrets})
	j.Warnings = append(j.Warnings, p.warnings...)
	return json.Marshal(j)
}
