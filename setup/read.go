package setup

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cairn/setup/internal/account"
	"cairn/setup/internal/hclfile"
	"cairn/setup/internal/module"
)

// Variable is a value for the files' variables, or a file of such values.
type Variable struct {
	// Assign is NAME=VALUE. The value of a list, map or object is written as
	// in HCL.
	Assign string
	// File is a .tfvars file, read if Assign is empty.
	File string
}

// Source says where the files are and what is given to their variables.
type Source struct {
	// Dir is the folder with the .tf files.
	Dir string
	// Variables are values for the files' variables; later ones win, and all
	// win over the environment and the folder's own variable files.
	Variables []Variable
	// Adopt lets resources that have a name from the files, but were not made
	// by the modules, be taken over and changed. Else they are refused.
	Adopt bool
	// Transport carries the AWS calls. Nil means the SDK's own.
	Transport http.RoundTripper
	// Getenv looks up TF_VAR_name variables. Nil means there are none.
	Getenv func(string) string
}

// Files is what a folder's files, or Go values, describe.
type Files struct {
	source Source
	folder *hclfile.Folder
	flags  []hclfile.Flag
	getenv func(string) string
	wanted *hclfile.Wanted
	// described is true if there are no files, but Go values.
	described bool
}

// noVariables is an environment without TF_VAR_ variables.
func noVariables(string) string { return "" }

// Problems is the error for files that are wrong: every mistake with its
// place and what to do.
type Problems = hclfile.Problems

// Read reads a folder's files and finds every mistake that can be found
// without asking AWS. Mistakes in the files are an error of type Problems.
func Read(s Source) (*Files, error) {
	folder, err := hclfile.Load(s.Dir)
	if err != nil {
		return nil, err
	}
	f := &Files{source: s, folder: folder, getenv: s.Getenv}
	if f.getenv == nil {
		f.getenv = noVariables
	}
	for _, v := range s.Variables {
		flag := hclfile.Flag{Var: v.Assign}
		if v.Assign == "" && v.File != "" {
			flag = hclfile.Flag{File: v.File}
		}
		f.flags = append(f.flags, flag)
	}
	if f.wanted, err = folder.Evaluate(f.flags, f.getenv, nil); err != nil {
		return nil, err
	}
	return f, nil
}

// Account is what the files are to be set up on: the account and region of
// each provider block the modules use, most often one.
type Account struct {
	// clients holds a client for each provider, by its name.
	clients map[string]*account.Client
	wanted  *hclfile.Wanted
	adopt   bool
}

// Connect finds AWS credentials the standard way (environment, profile of the
// files' provider block or of AWS_PROFILE, SSO, instance role), assumes the
// role the block names, asks STS whose they are, and works out what the files
// describe on that account; so for every provider block the modules use. With
// AWS_ENDPOINT_URL set, all calls go there.
func (f *Files) Connect(ctx context.Context) (*Account, error) {
	a := &Account{clients: map[string]*account.Client{}, adopt: f.source.Adopt}
	accounts := map[string]module.Account{}
	for _, p := range f.wanted.Providers {
		client, err := f.connect(ctx, p)
		if err != nil {
			return nil, err
		}
		a.clients[p.Name] = client
		accounts[p.Name] = module.Account{ID: client.ID, Partition: client.Partition, Region: client.Region}
	}
	var err error
	a.wanted, err = f.folder.Evaluate(f.flags, f.getenv, accounts)
	return a, err
}

func (f *Files) connect(ctx context.Context, p hclfile.Provider) (*account.Client, error) {
	target := account.Target{Region: p.Region, Profile: p.Profile, PathStyle: p.PathStyle, Where: p.Where, Transport: f.source.Transport, NoFiles: f.described}
	if p.Role != nil {
		role := account.Role(*p.Role)
		target.Role = &role
	}
	client, err := account.Connect(ctx, target)
	if err != nil {
		return nil, err
	}
	if slices.Contains(p.ForbiddenAccounts, client.ID) || len(p.AllowedAccounts) > 0 && !slices.Contains(p.AllowedAccounts, client.ID) {
		return nil, fmt.Errorf("%s: the credentials name account %s, which allowed_account_ids or forbidden_account_ids rules out: use other credentials or another profile", p.Where, client.ID)
	}
	return client, nil
}

// first is the client of the provider that the first module uses.
func (a *Account) first() *account.Client { return a.clients[a.wanted.Providers[0].Name] }

// ID returns the 12-digit account id; that of the first module's account, if
// the files set up several.
func (a *Account) ID() string { return a.first().ID }

// Region returns the region of the first module's trail, bucket or log group.
func (a *Account) Region() string { return a.first().Region }

// Endpoint returns the URL calls go to instead of AWS, or "".
func (a *Account) Endpoint() string { return a.first().Endpoint }

// String names all accounts, as in "account 111122223333 in eu-west-1 and
// account 444455556666 in us-east-1".
func (a *Account) String() string {
	var names []string
	for _, p := range a.wanted.Providers {
		name := fmt.Sprintf("account %s in %s", a.clients[p.Name].ID, a.clients[p.Name].Region)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " and ")
}
