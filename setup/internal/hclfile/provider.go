package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Provider is what the provider "aws" block says.
type Provider struct {
	// Where is the block's place as FILE:LINE:COLUMN, empty if there is none.
	Where string
	// Region and Profile are empty if the block does not set them.
	Region, Profile string
	// DefaultTags go on every resource that can have tags.
	DefaultTags map[string]string
	// AllowedAccounts, if any, are the only accounts to touch;
	// ForbiddenAccounts are never touched.
	AllowedAccounts, ForbiddenAccounts []string
	// PathStyle asks for https://HOST/BUCKET instead of https://BUCKET.HOST.
	PathStyle bool
}

type provider struct{ block *hclsyntax.Block }

// refused are provider settings cairn does not take, and what to do instead.
func refused(name string) string {
	switch name {
	case "access_key", "secret_key", "token":
		return "secrets do not belong into files: name a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
	case "alias":
		return "one folder sets up trails of one account and region: make a folder for each"
	case "assume_role", "assume_role_with_web_identity":
		return "write the role into a profile (role_arn and source_profile in the AWS configuration file) and name it with profile"
	case "endpoints":
		return "set AWS_ENDPOINT_URL in the environment"
	case "shared_config_files", "shared_credentials_files":
		return "set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE in the environment"
	}
	return ""
}

func (f *Folder) addProvider(name string, b *hclsyntax.Block, p *Problems) {
	if name != "aws" {
		p.add(b.DefRange(), "provider %q is not supported: trails are on aws", name)
		return
	}
	if f.provider != nil {
		p.add(b.DefRange(), "provider \"aws\" is declared twice: first at %s; %s", at(f.provider.block.DefRange()), refused("alias"))
		return
	}
	f.provider = &provider{block: b}
	known := []string{"region", "profile", "s3_use_path_style", "allowed_account_ids", "forbidden_account_ids", "max_retries", "version"}
	for _, a := range sortedAttributes(b.Body) {
		// skip_… settings turn off checks of Terraform's that cairn has not got.
		if strings.HasPrefix(a.Name, "skip_") {
			continue
		}
		if why := refused(a.Name); why != "" {
			p.add(a.NameRange, "%s in the provider block is not supported: %s", a.Name, why)
			continue
		}
		if !contains(known, a.Name) {
			p.add(a.NameRange, "%q in the provider block is not supported%s", a.Name, didYouMean(a.Name, known))
		}
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "default_tags" {
			onlyAttributes(inner, p, "tags")
			continue
		}
		why := refused(inner.Type)
		if why == "" {
			why = "the only block here is default_tags"
		}
		p.add(inner.DefRange(), "%s in the provider block is not supported: %s", inner.Type, why)
	}
}

// evalProvider evaluates the provider block.
func (e *evaluator) evalProvider() Provider {
	if e.f.provider == nil {
		return Provider{}
	}
	b := e.f.provider.block
	r := b.DefRange()
	out := Provider{Where: Problem{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}.place()}
	out.Region = e.providerText(b, "region")
	out.Profile = e.providerText(b, "profile")
	if v, ok := e.attribute(b, "s3_use_path_style", cty.Bool); ok {
		out.PathStyle = v.True()
	}
	if v, ok := e.attribute(b, "allowed_account_ids", cty.List(cty.String)); ok {
		out.AllowedAccounts = textsOf(v)
	}
	if v, ok := e.attribute(b, "forbidden_account_ids", cty.List(cty.String)); ok {
		out.ForbiddenAccounts = textsOf(v)
	}
	for _, inner := range b.Body.Blocks {
		if v, ok := e.attribute(inner, "tags", cty.Map(cty.String)); ok {
			out.DefaultTags = map[string]string{}
			for key, value := range v.AsValueMap() {
				if !value.IsNull() {
					out.DefaultTags[key] = value.AsString()
				}
			}
		}
	}
	return out
}

func (e *evaluator) providerText(b *hclsyntax.Block, name string) string {
	if v, ok := e.attribute(b, name, cty.String); ok {
		return v.AsString()
	}
	return ""
}

// attribute evaluates a block's attribute to a known value of a type. It
// returns false if there is none, or it is null or wrong.
func (e *evaluator) attribute(b *hclsyntax.Block, name string, typ cty.Type) (cty.Value, bool) {
	a := b.Body.Attributes[name]
	if a == nil {
		return cty.NilVal, false
	}
	v, _ := e.expr(a.Expr).UnmarkDeep()
	v, err := convert.Convert(v, typ)
	if err != nil {
		e.p.add(a.Expr.Range(), "%s: %s", name, err)
		return cty.NilVal, false
	}
	if !v.IsWhollyKnown() {
		if !e.failed(a.Expr) {
			e.p.add(a.Expr.Range(), "%s depends on what a module makes; it must be known before", name)
		}
		return cty.NilVal, false
	}
	return v, !v.IsNull()
}

func textsOf(v cty.Value) []string {
	var out []string
	for _, e := range v.AsValueSlice() {
		if !e.IsNull() {
			out = append(out, e.AsString())
		}
	}
	return out
}
