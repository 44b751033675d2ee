package resource

import (
	"maps"
	"slices"
)

// Action is what a plan does to one resource.
type Action string

// The actions, spelled as `terraform show -json` spells them.
const (
	NoOp    Action = "no-op"
	Create  Action = "create"
	Update  Action = "update"
	Replace Action = "replace"
	Delete  Action = "delete"
)

// Change is what a plan does to one resource, and why.
type Change struct {
	Resource
	Action Action
	// Found is the resource as the account has it, nil if it has not.
	Found Spec
	// Foreign is true if what was found was not made by the modules: neither it
	// nor its parts may be touched unasked.
	Foreign bool
	// Attrs lists all attributes, before and after.
	Attrs []AttrChange
}

// AttrChange is one attribute before and after. Before is nil when the
// resource is created, After when it is deleted.
type AttrChange struct {
	Name          string
	Before, After any
	Changed       bool
	Replace       bool
}

// Diff compares wanted resources with found ones (by address; absent or nil
// for those the account lacks) and returns a change for each, in order.
func Diff(wanted []Resource, found map[string]Spec) []Change {
	changes := make([]Change, 0, len(wanted))
	replaced, foreign := map[string]bool{}, map[string]bool{}
	for _, w := range wanted {
		if w.Absent && (off(found[w.Address]) || replaced[w.Part]) {
			continue
		}
		c := compare(w, found[w.Address])
		if w.Absent {
			c = removal(w, found[w.Address])
		}
		c.Foreign = foreign[w.Part] || c.Found != nil && !Owned(w.Spec, c.Found)
		foreign[w.Address] = c.Foreign
		if !w.Absent && w.Part != "" && replaced[w.Part] && c.Found != nil {
			// The setting goes with its resource and is made anew with it.
			c.Action = Replace
		}
		replaced[w.Address] = c.Action == Replace
		changes = append(changes, c)
	}
	return changes
}

func compare(w Resource, found Spec) Change {
	c := Change{Resource: w, Found: found, Action: NoOp}
	after := Attributes(w.Spec)
	if found == nil {
		c.Action = Create
		for _, a := range after {
			c.Attrs = append(c.Attrs, AttrChange{Name: a.Name, After: a.Value, Changed: true})
		}
		return c
	}
	before := Attributes(found)
	for i, a := range after {
		ac := AttrChange{Name: a.Name, Before: before[i].Value, After: a.Value}
		switch {
		case a.Local:
			ac.Before = a.Value
		case a.Computed:
			ac.After = before[i].Value
		case !sameValue(before[i].Value, a.Value):
			ac.Changed, ac.Replace = true, a.Replace
			if c.Action == NoOp {
				c.Action = Update
			}
			if a.Replace {
				c.Action = Replace
			}
		}
		c.Attrs = append(c.Attrs, ac)
	}
	return c
}

// Removal returns the changes that remove what of wanted is found, in the
// order to do it in: what needs a resource goes before it.
func Removal(wanted []Resource, found map[string]Spec) []Change {
	foreign := map[string]bool{}
	for _, w := range wanted {
		foreign[w.Address] = foreign[w.Part] || found[w.Address] != nil && !Owned(w.Spec, found[w.Address])
	}
	var changes []Change
	for _, w := range slices.Backward(wanted) {
		f := found[w.Address]
		if f == nil || w.Absent {
			continue
		}
		c := removal(w, f)
		c.Foreign = foreign[w.Address]
		changes = append(changes, c)
	}
	return changes
}

func removal(w Resource, found Spec) Change {
	c := Change{Resource: w, Found: found, Action: Delete}
	for _, a := range Attributes(found) {
		if !a.Local {
			c.Attrs = append(c.Attrs, AttrChange{Name: a.Name, Before: a.Value, Changed: true})
		}
	}
	return c
}

// off reports whether a setting is as good as not there. Versioning that was
// once on can only be suspended.
func off(found Spec) bool {
	v, ok := found.(*BucketVersioning)
	return found == nil || ok && v.Status != "Enabled"
}

func sameValue(a, b any) bool {
	switch a := a.(type) {
	case Policy:
		b, ok := b.(Policy)
		return ok && a.Same(b)
	case map[string]string:
		b, _ := b.(map[string]string)
		return maps.Equal(a, b)
	case []string:
		b, _ := b.([]string)
		return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
	}
	switch b.(type) {
	case map[string]string, []string:
		return a == nil && b == nil // a is nil here: an empty list is nil too
	}
	return a == b
}

// Count is how many resources a plan adds, changes and destroys. A
// replacement counts as one added and one destroyed.
type Count struct{ Add, Change, Destroy int }

// Tally counts the changes.
func Tally(changes []Change) Count {
	var n Count
	for _, c := range changes {
		switch c.Action {
		case Create:
			n.Add++
		case Update:
			n.Change++
		case Delete:
			n.Destroy++
		case Replace:
			n.Add++
			n.Destroy++
		case NoOp:
		}
	}
	return n
}
