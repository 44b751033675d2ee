package resource

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Attr is one attribute of a resource, in the order of the type's fields.
type Attr struct {
	Name string
	// Value is a string, bool, int32, Policy, map[string]string, []string or,
	// for selectors, JSON; nil if the attribute is not set.
	Value any
	// Computed is true for what AWS sets and nobody can change.
	Computed bool
	// Local is true for what only the files say and AWS does not keep.
	Local bool
	// Replace is true if a change needs a new resource.
	Replace bool
}

// JSON is an attribute value shown as JSON, which compares by its text.
type JSON string

// Attributes lists the attributes of a Spec. An empty string, number, list or
// map is an attribute that is not set; a bool always is.
func Attributes(s Spec) []Attr {
	v := reflect.ValueOf(s).Elem()
	attrs := make([]Attr, 0, v.NumField())
	for i := range v.NumField() {
		name, flags, _ := strings.Cut(v.Type().Field(i).Tag.Get("attr"), ",")
		attrs = append(attrs, Attr{
			Name:     name,
			Value:    attrValue(v.Field(i)),
			Computed: flags == "computed",
			Local:    flags == "local",
			Replace:  flags == "replace",
		})
	}
	return attrs
}

func attrValue(f reflect.Value) any {
	switch f.Kind() {
	case reflect.Bool:
		return f.Interface()
	case reflect.Map, reflect.Slice:
		if f.Len() == 0 {
			return nil
		}
		switch f.Interface().(type) {
		case map[string]string, []string:
			return f.Interface()
		}
		text, err := json.Marshal(f.Interface())
		if err != nil { // only plain structs of strings and bools come here
			panic(fmt.Sprintf("resource: marshal %s: %v", f.Type(), err))
		}
		return JSON(text)
	default:
		if f.IsZero() {
			return nil
		}
		return f.Interface()
	}
}

// ID is what AWS knows the resource by.
func ID(s Spec) string {
	if p, ok := s.(*RolePolicy); ok {
		return p.Role + ":" + p.Name
	}
	if a := Attributes(s); len(a) > 0 {
		if id, ok := a[0].Value.(string); ok {
			return id
		}
	}
	return ""
}
