package setup

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"cairn/setup/internal/hclfile"
)

// Text is a text that may hold outputs of modules, which are known only when
// an account is connected: a literal such as "audit", an output such as
// bucket.Outputs().S3BucketARN, or both joined with +. Inside, an output is
// written as in HCL, ${module.LABEL.OUTPUT}; everything else stands for itself.
type Text string

// Description describes in Go what a folder's files describe in HCL.
type Description struct {
	// Provider says whose account and which region; the zero value means those
	// of the environment.
	Provider Provider
	// Aliases are further providers, for modules that name one of them.
	Aliases map[string]Provider
	// Modules are what is wanted, in any order.
	Modules []Module
	// Outputs are values to put out, by name, such as trail.Outputs().TrailARN.
	Outputs map[string]Text
	// Adopt lets resources that have a name from the description, but were not
	// made by the modules, be taken over and changed. Else they are refused.
	Adopt bool
	// Transport carries the AWS calls. Nil means the SDK's own.
	Transport http.RoundTripper
}

// Provider is what a provider "aws" block says. All fields may be left out.
type Provider struct {
	// Region and Profile are those of the AWS configuration chain if empty.
	Region, Profile string
	// AssumeRole is the role to assume with these credentials; nil for none.
	AssumeRole *AssumeRole
	// DefaultTags go on every resource that can have tags.
	DefaultTags map[string]string
	// AllowedAccountIDs, if any, are the only accounts to touch;
	// ForbiddenAccountIDs are never touched.
	AllowedAccountIDs, ForbiddenAccountIDs []string
	// S3UsePathStyle asks for https://HOST/BUCKET instead of
	// https://BUCKET.HOST.
	S3UsePathStyle bool
}

// AssumeRole is a role to assume. All but RoleARN may be left out; Duration is
// 15 minutes to 12 hours.
type AssumeRole struct {
	RoleARN, SessionName, ExternalID string
	Duration                         time.Duration
}

// Describe is Read for Go values: the same inputs, checks, messages and
// results as for HCL files that say the same. It finds every mistake that can
// be found without asking AWS; they are an error of type Problems, without
// places in files.
func Describe(d Description) (*Files, error) {
	built := hclfile.Description{Providers: map[string]hclfile.Provider{"": d.Provider.block()}, Outputs: map[string]string{}}
	for alias, p := range d.Aliases {
		if alias == "" {
			return nil, fmt.Errorf("describe: a provider in Aliases has no alias: the one without is Provider")
		}
		built.Providers[alias] = p.block()
	}
	for i, m := range d.Modules {
		if m == nil || reflect.ValueOf(m).IsNil() {
			return nil, fmt.Errorf("describe: Modules[%d] is nil: leave it out", i)
		}
		name, label, provider := m.call()
		built.Calls = append(built.Calls, hclfile.Call{
			Label: label, Module: name, Provider: provider, Inputs: members(reflect.ValueOf(m).Elem()),
		})
	}
	for name, value := range d.Outputs {
		built.Outputs[name] = string(value)
	}
	folder, err := hclfile.Describe(built)
	if err != nil {
		return nil, err
	}
	f := &Files{source: Source{Adopt: d.Adopt, Transport: d.Transport}, folder: folder, getenv: noVariables, described: true}
	if f.wanted, err = folder.Evaluate(nil, f.getenv, nil); err != nil {
		return nil, err
	}
	return f, nil
}

func (p Provider) block() hclfile.Provider {
	out := hclfile.Provider{
		Region: p.Region, Profile: p.Profile, DefaultTags: p.DefaultTags, PathStyle: p.S3UsePathStyle,
		AllowedAccounts: p.AllowedAccountIDs, ForbiddenAccounts: p.ForbiddenAccountIDs,
	}
	if r := p.AssumeRole; r != nil {
		out.Role = &hclfile.Role{ARN: r.RoleARN, SessionName: r.SessionName, ExternalID: r.ExternalID, Duration: r.Duration}
	}
	return out
}

// reference is a module's output as a text.
func reference(m Module, output string) Text {
	_, label, _ := m.call()
	return Text("${module." + label + "." + output + "}")
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// members returns the inputs that a struct's tagged fields give: those that
// are not zero, and those marked always.
func members(v reflect.Value) map[string]any {
	given := map[string]any{}
	for field, value := range v.Fields() {
		name, mark, _ := strings.Cut(field.Tag.Get("input"), ",")
		if name != "" && (mark == "always" || !value.IsZero()) {
			given[name] = plain(value)
		}
	}
	return given
}

// plain turns a field's value into what hclfile.Call takes. The types are
// those of this package's structs, so there are no others.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int:
		return int(v.Int())
	case reflect.Slice:
		list := make([]any, 0, v.Len())
		for _, e := range v.Seq2() {
			list = append(list, plain(e))
		}
		return list
	case reflect.Map:
		entries := map[string]any{}
		for key, value := range v.Seq2() {
			entries[key.String()] = plain(value)
		}
		return entries
	case reflect.Struct:
		return members(v)
	default:
		panic("setup: an input cannot be a " + v.Kind().String())
	}
}
