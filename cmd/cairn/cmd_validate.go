package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"cairn/cmd/cairn/cli"
	"cairn/digest"
	"cairn/digest/online"
	"cairn/digest/verify"
)

const validateAbout = `
Tell whether the log files and digests in a trail's bucket are what CloudTrail
delivered: that none was changed, removed, renamed, moved or appended to, and
none put among them. It works on any bucket, Amazon's or Cairn's, and makes
read-only calls.

  cairn validate --trail NAME            a trail of the account
  cairn validate s3://BUCKET[/PREFIX]    all trails, accounts and regions there
  cairn validate FOLDER --keys FILE      a copy of a bucket, offline

FOLDER is as aws s3 sync s3://BUCKET FOLDER makes it. The public keys come from
CloudTrail, or from a list saved by --save-keys or by aws cloudtrail
list-public-keys. A copy has no object metadata, where signatures are; each
digest's is then taken from the digest after it. The newest digest's is in the
file of --head; or put it beside the digest, as KEY.metadata.json:

  aws s3api head-object --bucket BUCKET --key KEY --query Metadata

Nothing in a bucket tells that its newest digests were removed. --save-head
remembers the newest digest of each trail, --head demands that it is still
there. Keep that file, and the key list, where who can write to the bucket
cannot.

Exit codes: 0 all that digests cover is valid, 1 something could not be checked
and nothing was found invalid, 2 the command line is wrong, 3 something is
invalid.
`

// validateFlags is the command line of validate.
type validateFlags struct {
	*flag.FlagSet
	env *cli.Env

	trail, account, region, bucket string
	keys, saveKeys, head, saveHead string
	from, to                       time.Time
	inFlight                       int
	asJSON                         bool
	where                          string // the positional argument

	described   string // what is verified, for messages
	heads       verify.Heads
	recorder    *verify.Recorder // of keys that CloudTrail gave
	closeSource func() error
}

func runValidate(ctx context.Context, args []string, env *cli.Env) int {
	f := newValidateFlags(env)
	words, code, ok := cli.ParseFlags(f.FlagSet, env, args, 1)
	if !ok {
		return code
	}
	if len(words) == 1 {
		f.where = words[0]
	}
	if err := f.check(); err != nil {
		fmt.Fprintf(env.Stderr, "cairn validate: %v; see cairn validate --help\n", err)
		return cli.Usage
	}
	o, err := f.options(ctx)
	if err != nil {
		return cli.Fail(env, err)
	}
	out := newValidateOutput(env, f.asJSON, o.Progress)
	o.Found = out.found
	report, err := verify.Run(ctx, *o)
	out.end()
	if err = errors.Join(err, f.closeSource()); err != nil {
		return cli.Fail(env, out.failed(fmt.Errorf("validate %s: %w", f.described, err)))
	}
	if err := errors.Join(out.summary(report, f.head != ""), f.save(report)); err != nil {
		return cli.Fail(env, err)
	}
	switch report.Outcome() {
	case verify.Invalid:
		return exitFindings
	case verify.Unverified:
		return cli.Failed
	case verify.Note:
	}
	return cli.OK
}

func newValidateFlags(env *cli.Env) *validateFlags {
	f := &validateFlags{FlagSet: cli.NewFlags(env, "validate", "[flags] [s3://BUCKET[/PREFIX] | FOLDER]", validateAbout), env: env, closeSource: func() error { return nil }}
	f.StringVar(&f.trail, "trail", "", "the `name` or ARN of the trail; with a bucket or folder only its digests count")
	f.StringVar(&f.account, "account", "", "only the account with this `id`")
	f.StringVar(&f.region, "region", "", "only events of this `region`")
	timeVar(f.FlagSet, &f.from, "from", "only log files delivered from this `time` on: 2025-03-01 or 2025-03-01T10:00:00Z")
	timeVar(f.FlagSet, &f.to, "to", "only log files delivered before this `time`")
	f.StringVar(&f.keys, "keys", "", "take the public keys from this `file` instead of asking CloudTrail")
	f.StringVar(&f.saveKeys, "save-keys", "", "write the public keys that CloudTrail gave to this `file`")
	f.StringVar(&f.head, "head", "", "demand the newest digests that this `file` remembers")
	f.StringVar(&f.saveHead, "save-head", "", "remember the newest digests in this `file`, unless something is invalid")
	f.StringVar(&f.bucket, "bucket", "", "the `name` of the bucket that FOLDER is a copy of; without it, digests are not held to a bucket")
	f.IntVar(&f.inFlight, "in-flight", verify.DefaultInFlight, "the `number` of objects read at once")
	f.BoolVar(&f.asJSON, "json", false, "print JSON: findings, report, outcome")
	return f
}

// timeVar adds a flag for a day or a time, in UTC.
func timeVar(fs *flag.FlagSet, t *time.Time, name, usage string) {
	fs.Func(name, usage, func(s string) (err error) {
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if *t, err = time.Parse(layout, s); err == nil {
				return nil
			}
		}
		return errors.New("want a time like 2025-03-01 or 2025-03-01T10:00:00Z")
	})
}

// check refuses command lines that contradict themselves.
func (f *validateFlags) check() error {
	remote := f.where == "" || strings.HasPrefix(f.where, "s3://")
	switch {
	case f.where == "" && f.trail == "":
		return errors.New("name a bucket (s3://BUCKET), a folder or a trail (--trail NAME)")
	case !f.from.IsZero() && !f.to.IsZero() && !f.from.Before(f.to):
		return errors.New("--from is not before --to")
	case f.inFlight < 1 || f.inFlight > 4096:
		return errors.New("--in-flight is not between 1 and 4096")
	case f.keys != "" && f.saveKeys != "":
		return errors.New("--save-keys saves what CloudTrail gives, which --keys does not ask")
	case !remote && f.keys == "":
		return errors.New("a folder needs --keys FILE: the public keys of the regions in it")
	case f.saveKeys != "" && !remote:
		return errors.New("--save-keys asks CloudTrail, which a folder does not")
	case remote && f.bucket != "":
		return errors.New("--bucket goes with a folder")
	case !remote && inside(f.where, f.keys):
		return fmt.Errorf("--keys %s is in the folder it is to prove: who changed the one may have changed the other; keep it elsewhere", f.keys)
	case !remote && f.head != "" && inside(f.where, f.head):
		return fmt.Errorf("--head %s is in the folder it is to prove: who changed the one may have changed the other; keep it elsewhere", f.head)
	}
	return nil
}

// inside reports whether a file is in a folder, by whatever name. What is not
// there is nowhere.
func inside(dir, file string) bool {
	var whole [2]string
	for i, name := range []string{dir, file} {
		var err error
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return false
		}
		if whole[i], err = filepath.Abs(name); err != nil {
			return false
		}
	}
	rel, err := filepath.Rel(whole[0], whole[1])
	return err == nil && filepath.IsLocal(rel)
}

// options turns the command line into what to verify.
func (f *validateFlags) options(ctx context.Context) (*verify.Options, error) {
	o := &verify.Options{Account: f.account, Region: f.region, From: f.from, To: f.to, InFlight: f.inFlight, Progress: new(verify.Progress)}
	o.Trail, o.HomeRegion = trailOf(f.trail)
	f.described = f.where
	if f.head != "" {
		if err := readFile(f.head, func(r io.Reader) (err error) {
			f.heads, err = verify.ParseHeads(r)
			return err
		}); err != nil {
			return nil, err
		}
		o.Heads = append(verify.Heads{}, f.heads...) // not nil, though there be none
	}
	if f.keys != "" {
		if err := readFile(f.keys, func(r io.Reader) error {
			l, err := verify.ParseKeyList(r)
			o.Keys = l
			return err
		}); err != nil {
			return nil, err
		}
	}
	if f.where != "" && !strings.HasPrefix(f.where, "s3://") {
		folder, err := verify.OpenFolder(f.where)
		if err != nil {
			return nil, err
		}
		f.closeSource = folder.Close
		o.Source, o.Bucket = folder, f.bucket
		return o, nil
	}
	return o, f.connect(ctx, o)
}

// connect sets the options up for an account.
func (f *validateFlags) connect(ctx context.Context, o *verify.Options) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("read the AWS configuration: %w", err)
	}
	a := online.New(cfg, f.inFlight)
	o.Source = a
	if o.Keys == nil {
		f.recorder = &verify.Recorder{Source: a}
		o.Keys = f.recorder
	}
	if f.where != "" {
		o.Bucket, o.Prefix, _ = strings.Cut(strings.TrimPrefix(f.where, "s3://"), "/")
		return nil
	}
	t, err := a.Trail(ctx, f.trail)
	if err != nil {
		return err
	}
	f.described = "trail " + t.Name
	o.Trail, o.HomeRegion, o.Bucket, o.Prefix = t.Name, t.HomeRegion, t.Bucket, t.Prefix
	if !t.Organization {
		o.Account = t.Account
		// An organization trail's folder has an id in its name that the trail does not
		// tell.
		o.Expect = []digest.Place{{Prefix: t.Prefix, Account: t.Account, Region: t.HomeRegion}}
	}
	o.Delivered = func(ctx context.Context, p digest.Place) (time.Time, error) {
		if p.Account != t.Account || !t.Validation {
			return time.Time{}, nil
		}
		return a.LatestDigest(ctx, t.ARN, p.Region)
	}
	return nil
}

// trailOf takes a trail's name or ARN apart.
func trailOf(s string) (name, home string) {
	if parts := strings.Split(s, ":"); len(parts) == 6 {
		return strings.TrimPrefix(parts[5], "trail/"), parts[3]
	}
	return s, ""
}

// save writes the files the command line asks for.
func (f *validateFlags) save(r *verify.Report) error {
	var errs []error
	if f.saveKeys != "" {
		errs = append(errs, writeFile(f.saveKeys, f.recorder.List().Write))
	}
	switch {
	case f.saveHead == "":
	case r.Outcome() == verify.Invalid:
		fmt.Fprintf(f.env.Stderr, "cairn: %s was left as it is, since something is invalid\n", f.saveHead)
	default:
		heads := f.heads
		if f.head != f.saveHead {
			// The file may know chains that this run was not about.
			err := readFile(f.saveHead, func(r io.Reader) (err error) {
				heads, err = verify.ParseHeads(r)
				return err
			})
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return errors.Join(append(errs, err)...)
			}
		}
		errs = append(errs, writeFile(f.saveHead, heads.With(r.Heads).Write))
	}
	return errors.Join(errs...)
}

func readFile(name string, read func(io.Reader) error) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := read(bytes.NewReader(text)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// writeFile replaces a file. A crash leaves the old one, and maybe a temporary
// one beside it.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(file.Name()))
	}
	return nil
}
