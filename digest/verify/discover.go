package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cairn/digest"
)

// searchDepth is how many folders below the prefix AWSLogs is looked for.
const searchDepth = 4

// places returns the accounts and regions that have digests or log files below
// the prefix.
func (r *run) places(ctx context.Context) ([]digest.Place, error) {
	prefix := strings.Trim(r.Prefix, "/")
	if root, rest, inside := cutRoot(prefix); inside {
		return r.below(ctx, root, rest)
	}
	roots, err := r.roots(ctx, prefix, searchDepth)
	if err != nil {
		return nil, err
	}
	var places []digest.Place
	for _, root := range roots {
		p, err := r.below(ctx, root, nil)
		if err != nil {
			return nil, err
		}
		places = append(places, p...)
	}
	if len(places) == 0 {
		r.found(Finding{Severity: Unverified, Kind: NothingFound, Bucket: r.Bucket, Key: prefix, Text: "there is no AWSLogs folder with digests or log files here"})
	}
	return places, nil
}

// expected adds the places to look at in any case.
func (r *run) expected(places []digest.Place) []digest.Place {
	for _, p := range r.Expect {
		wanted := (r.Account == "" || p.Account == r.Account) && (r.Region == "" || p.Region == r.Region)
		if wanted && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}

// cutRoot splits a prefix that reaches into AWSLogs: the S3KeyPrefix before it
// and the folders after it.
func cutRoot(prefix string) (root string, rest []string, inside bool) {
	parts := strings.Split(prefix, "/")
	i := slices.Index(parts, "AWSLogs")
	if i < 0 {
		return "", nil, false
	}
	return strings.Join(parts[:i], "/"), parts[i+1:], true
}

// roots finds the S3KeyPrefixes, at most depth folders below a prefix.
func (r *run) roots(ctx context.Context, prefix string, depth int) ([]string, error) {
	folders, err := r.folders(ctx, prefix, func(string) {})
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, f := range folders {
		switch {
		case prefix == "" && f == "":
			r.passOver("/", "a folder without a name")
		case f == "AWSLogs":
			roots = append(roots, prefix)
		case depth > 0:
			more, err := r.roots(ctx, join(prefix, f), depth-1)
			if err != nil {
				return nil, err
			}
			roots = append(roots, more...)
		}
	}
	return roots, nil
}

// below returns the places of a root. given are the folders after AWSLogs that
// the prefix fixed: [organization], account, folder, region.
func (r *run) below(ctx context.Context, root string, given []string) ([]digest.Place, error) {
	beside := func(key string) {
		if !strings.HasSuffix(key, "/") { // consoles leave empty objects for folders
			r.passOver(key, "it is in no account's folder")
		}
	}
	accounts, rest, err := r.step(ctx, join(root, "AWSLogs"), given, beside)
	if err != nil {
		return nil, err
	}
	var places []digest.Place
	for _, account := range accounts {
		if isAccount(account) {
			p, err := r.regions(ctx, digest.Place{Prefix: root, Account: account}, rest)
			if err != nil {
				return nil, err
			}
			places = append(places, p...)
			continue
		}
		if !strings.HasPrefix(account, "o-") {
			r.passOver(join(join(root, "AWSLogs"), account)+"/", "no account has this folder")
			continue
		}
		members, rest, err := r.step(ctx, join(join(root, "AWSLogs"), account), rest, beside)
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			if !isAccount(member) {
				r.passOver(join(join(join(root, "AWSLogs"), account), member)+"/", "no account has this folder")
				continue
			}
			p, err := r.regions(ctx, digest.Place{Prefix: root, Organization: account, Account: member}, rest)
			if err != nil {
				return nil, err
			}
			places = append(places, p...)
		}
	}
	return places, nil
}

// regions returns the places of an account: regions with digests, and those
// with log files alone, whose digests may have been removed.
func (r *run) regions(ctx context.Context, p digest.Place, given []string) ([]digest.Place, error) {
	if r.Account != "" && p.Account != r.Account {
		return nil, nil
	}
	account := strings.TrimRight(p.Path(""), "/")
	seen := map[string]bool{}
	for _, folder := range []string{digest.Folder, digest.LogFolder} {
		rest := given
		if len(rest) > 0 && rest[0] != digest.Folder && rest[0] != digest.LogFolder {
			return nil, fmt.Errorf("look below %s: %s is neither %s nor %s", account, rest[0], digest.Folder, digest.LogFolder)
		}
		if len(rest) > 0 {
			rest = rest[1:]
		}
		regions, _, err := r.step(ctx, join(account, folder), rest, func(key string) { r.outside(p, folder, key) })
		if err != nil {
			return nil, err
		}
		for _, region := range regions {
			seen[region] = seen[region] || r.Region == "" || region == r.Region
		}
	}
	var places []digest.Place
	for region, wanted := range seen {
		if wanted {
			p.Region = region
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(a, b digest.Place) int { return strings.Compare(a.Region, b.Region) })
	return places, nil
}

// outside tells of a file that is beside the folders of regions.
func (r *run) outside(p digest.Place, folder, key string) {
	f := Finding{Severity: Invalid, Kind: LogUnlisted, Bucket: r.Bucket, Key: key, Account: p.Account, Text: "among log files, and none that CloudTrail delivers: it is in no region's folder"}
	if folder == digest.Folder {
		f.Kind, f.Text = DigestStray, "among digests, and no digest: it is in no region's folder"
	}
	if !strings.HasSuffix(key, "/") {
		r.found(f)
	}
}

// passOver notes what is not looked at and readers may show.
func (r *run) passOver(key, why string) {
	if r.Account == "" {
		r.found(Finding{Severity: Note, Kind: PassedOver, Bucket: r.Bucket, Key: key, Text: "not looked at: " + why + "; readers of the whole bucket may show what it holds"})
	}
}

// step returns the folders at a path, or the one that is given. Files there go to
// file.
func (r *run) step(ctx context.Context, path string, given []string, file func(key string)) (folders, rest []string, err error) {
	if len(given) > 0 {
		return given[:1], given[1:], nil
	}
	folders, err = r.folders(ctx, path, file)
	return folders, nil, err
}

func (r *run) folders(ctx context.Context, path string, file func(key string)) ([]string, error) {
	if path != "" {
		path += "/"
	}
	folders, err := r.Source.Folders(ctx, r.Bucket, path, file)
	if err != nil {
		return nil, fmt.Errorf("list the folders of %s: %w", objectName(r.Bucket, path), err)
	}
	return folders, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// objectName is how messages call an object.
func objectName(bucket, key string) string {
	if bucket == "" {
		return key
	}
	return "s3://" + bucket + "/" + key
}
