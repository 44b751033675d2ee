package hclfile

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Provider is what a provider "aws" block says.
type Provider struct {
	// Name is aws, or aws.ALIAS.
	Name string
	// Where is the block's place as FILE:LINE:COLUMN, its name if it was
	// described by Go values, empty if there is no block.
	Where string
	// Region and Profile are empty if the block does not set them.
	Region, Profile string
	// Role is the role to assume, nil for none.
	Role *Role
	// DefaultTags go on every resource that can have tags.
	DefaultTags map[string]string
	// AllowedAccounts, if any, are the only accounts to touch;
	// ForbiddenAccounts are never touched.
	AllowedAccounts, ForbiddenAccounts []string
	// PathStyle asks for https://HOST/BUCKET instead of https://BUCKET.HOST.
	PathStyle bool
}

// Role is what an assume_role block says. All but ARN may be empty.
type Role struct {
	ARN, SessionName, ExternalID string
	Duration                     time.Duration
}

// defaultProvider is the provider of modules that name none.
const defaultProvider = "aws"

type provider struct{ block *hclsyntax.Block }

// refused are provider settings cairn does not take, and what to do instead.
func refused(name string) string {
	switch name {
	case "access_key", "secret_key", "token":
		return "secrets do not belong into files: name a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
	case "assume_role_with_web_identity":
		return "write the role into a profile (role_arn and web_identity_token_file in the AWS configuration file) and name it with profile"
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
	name, ok := providerName(b, p)
	if !ok {
		return
	}
	if old := f.providers[name]; old != nil {
		p.add(b.DefRange(), "provider %s is declared twice: first at %s; for another account or region give it an alias of its own", name, at(old.block.DefRange()))
		return
	}
	f.providers[name] = &provider{block: b}
	known := []string{"alias", "region", "profile", "s3_use_path_style", "allowed_account_ids", "forbidden_account_ids", "max_retries", "version"}
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
		switch inner.Type {
		case "default_tags":
			onlyAttributes(inner, p, "tags")
		case "assume_role":
			onlyAttributes(inner, p, "role_arn", "session_name", "external_id", "duration")
			if inner.Body.Attributes["role_arn"] == nil {
				p.add(inner.DefRange(), "assume_role has no role_arn")
			}
		default:
			why := refused(inner.Type)
			if why == "" {
				why = "the blocks here are default_tags and assume_role"
			}
			p.add(inner.DefRange(), "%s in the provider block is not supported: %s", inner.Type, why)
		}
	}
}

// providerName is what modules call the provider by: aws, or aws.ALIAS.
func providerName(b *hclsyntax.Block, p *Problems) (string, bool) {
	a := b.Body.Attributes["alias"]
	if a == nil {
		return defaultProvider, true
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || !isText(v) || !hclsyntax.ValidIdentifier(v.AsString()) {
		p.add(a.Expr.Range(), "an alias is a name in quotes, of letters, digits, _ and -, without references")
		return "", false
	}
	return defaultProvider + "." + v.AsString(), true
}

// providerOf finds the provider a module block asks for with
// providers = { aws = aws.ALIAS }. Whether there is such a block is checked
// when all files are read.
func providerOf(b *hclsyntax.Block, p *Problems) string {
	a := b.Body.Attributes["providers"]
	if a == nil {
		return defaultProvider
	}
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() || len(pairs) != 1 || hcl.ExprAsKeyword(pairs[0].Key) != "aws" {
		p.add(a.Expr.Range(), "the modules have one provider, aws: write providers = { aws = aws.ALIAS }")
		return defaultProvider
	}
	t, diags := hcl.AbsTraversalForExpr(pairs[0].Value)
	if diags.HasErrors() || t.RootName() != "aws" || len(t) > 2 {
		p.add(pairs[0].Value.Range(), "a provider is named aws or aws.ALIAS, without quotes")
		return defaultProvider
	}
	if len(t) == 1 {
		return defaultProvider
	}
	alias, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		p.add(pairs[0].Value.Range(), "a provider is named aws or aws.ALIAS, without quotes")
		return defaultProvider
	}
	return defaultProvider + "." + alias.Name
}

// checkProviders reports modules whose provider is not declared.
func (f *Folder) checkProviders(p *Problems) {
	for _, name := range f.order {
		c := f.modules[name]
		if c.provider == defaultProvider || f.providers[c.provider] != nil {
			continue
		}
		hint := fmt.Sprintf(": declare it: provider \"aws\" { alias = %q", strings.TrimPrefix(c.provider, "aws."))
		if near := Nearest(c.provider, keys(f.providers)); near != "" && near != defaultProvider {
			hint = fmt.Sprintf("; did you mean %s, declared at %s?", near, at(f.providers[near].block.DefRange()))
		}
		p.add(c.block.Body.Attributes["providers"].Expr.Range(), "there is no provider %s%s", c.provider, hint)
	}
}

// regionShape is how AWS names regions; which there are, it only knows itself.
var regionShape = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]+)+-[0-9]{1,2}$`)

// evalProviders evaluates the provider blocks, those no module uses too. The
// result always has the default provider.
func (e *evaluator) evalProviders() map[string]Provider {
	all := map[string]Provider{defaultProvider: {Name: defaultProvider}}
	for _, name := range sorted(e.f.providers) {
		all[name] = e.evalProvider(name, e.f.providers[name].block)
	}
	return all
}

func (e *evaluator) evalProvider(name string, b *hclsyntax.Block) Provider {
	r := b.DefRange()
	out := Provider{Name: name, Where: Problem{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}.place()}
	if r.Filename == "" { // described by Go values
		out.Where = "provider " + name
	}
	out.Region = e.providerText(b, "region")
	if out.Region != "" && !regionShape.MatchString(out.Region) {
		e.p.add(b.Body.Attributes["region"].Expr.Range(), "%q is not a region: a region is named like eu-west-1", out.Region)
	}
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
		if inner.Type == "assume_role" {
			out.Role = e.assumeRole(inner)
			continue
		}
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

// assumeRole evaluates an assume_role block. An empty role_arn is no role, so
// that a variable can decide.
func (e *evaluator) assumeRole(b *hclsyntax.Block) *Role {
	role := &Role{ARN: e.providerText(b, "role_arn"), SessionName: e.providerText(b, "session_name"), ExternalID: e.providerText(b, "external_id")}
	if role.ARN == "" {
		return nil
	}
	if !roleShape.MatchString(role.ARN) {
		e.p.add(b.Body.Attributes["role_arn"].Expr.Range(), "%q is not a role: a role ARN looks like arn:aws:iam::ACCOUNT:role/NAME", role.ARN)
	}
	if text := e.providerText(b, "duration"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 15*time.Minute || d > 12*time.Hour {
			e.p.add(b.Body.Attributes["duration"].Expr.Range(), "%q is not a duration a role can be assumed for: it is 15m to 12h, written like 1h30m", text)
		}
		role.Duration = d
	}
	return role
}

var roleShape = regexp.MustCompile(`^arn:[^:]+:iam::[0-9]{12}:role/.+$`)

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
