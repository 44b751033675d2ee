package setup

import (
	"context"
	"fmt"
	"slices"

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
	// Getenv looks up TF_VAR_name variables. Nil means there are none.
	Getenv func(string) string
}

// Files is what a folder's files describe.
type Files struct {
	folder *hclfile.Folder
	flags  []hclfile.Flag
	getenv func(string) string
	wanted *hclfile.Wanted
}

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
	f := &Files{folder: folder, getenv: s.Getenv}
	if f.getenv == nil {
		f.getenv = func(string) string { return "" }
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

// Account is an account the files are to be set up on.
type Account struct {
	client *account.Client
	wanted *hclfile.Wanted
}

// Connect finds AWS credentials the standard way (environment, profile of the
// files' provider block or of AWS_PROFILE, SSO, instance role), asks STS whose
// they are, and works out what the files describe on that account. With
// AWS_ENDPOINT_URL set, all calls go there.
func (f *Files) Connect(ctx context.Context) (*Account, error) {
	p := f.wanted.Provider
	client, err := account.Connect(ctx, account.Target{Region: p.Region, Profile: p.Profile, PathStyle: p.PathStyle, Where: p.Where})
	if err != nil {
		return nil, err
	}
	if slices.Contains(p.ForbiddenAccounts, client.ID) || len(p.AllowedAccounts) > 0 && !slices.Contains(p.AllowedAccounts, client.ID) {
		return nil, fmt.Errorf("%s: the credentials name account %s, which allowed_account_ids or forbidden_account_ids rules out: use other credentials or another profile", p.Where, client.ID)
	}
	wanted, err := f.folder.Evaluate(f.flags, f.getenv, &module.Account{ID: client.ID, Partition: client.Partition, Region: client.Region})
	if err != nil {
		return nil, err
	}
	return &Account{client: client, wanted: wanted}, nil
}

// ID returns the 12-digit account id.
func (a *Account) ID() string { return a.client.ID }

// Region returns the region of the trail, the bucket and the log group.
func (a *Account) Region() string { return a.client.Region }

// Endpoint returns the URL calls go to instead of AWS, or "".
func (a *Account) Endpoint() string { return a.client.Endpoint }
