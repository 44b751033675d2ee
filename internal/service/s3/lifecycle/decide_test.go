package lifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/service/s3/config"
)

// at is a time of January 2014.
func at(day, hour int) time.Time { return time.Date(2014, time.January, day, hour, 30, 0, 0, time.UTC) }

func rules(t *testing.T, xml string) []Rule {
	t.Helper()
	doc, err := config.Read("LifecycleConfiguration", []byte("<LifecycleConfiguration>"+xml+"</LifecycleConfiguration>"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Rules(doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rule is an enabled rule with a filter and an action.
func rule(filter, action string) string {
	return "<Rule><ID>r</ID><Filter>" + filter + "</Filter><Status>Enabled</Status>" + action + "</Rule>"
}

// ids are ULIDs in the order they were made.
var ids = []string{"01KA0000000000000000000000", "01KB0000000000000000000000", "01KC0000000000000000000000", "01KD0000000000000000000000"}

func current(day, hour int) Version {
	return Version{Key: "a/k", ID: ids[3], Latest: true, Modified: at(day, hour), Size: 100}
}

func older(id string, day int) Version {
	return Version{Key: "a/k", ID: id, Modified: at(day, 1), Size: 100}
}

func marker(v Version) Version { v.Marker, v.Size = true, 0; return v }

func TestDecide(t *testing.T) {
	const expire3, gone2 = "<Expiration><Days>3</Days></Expiration>", "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>"
	midnight := at(19, 0).Truncate(day)
	tests := map[string]struct {
		rules    string
		versions []Version
		now      time.Time
		want     []string // version ids; "" is the current one
	}{
		// "An object created on 1/15/2014 10:30 AM UTC with 3 days expires on
		// 1/19/2014 00:00 UTC" (S3 User Guide).
		"not a moment before":       {rule("", expire3), []Version{current(15, 10)}, midnight.Add(-1), nil},
		"at midnight":               {rule("", expire3), []Version{current(15, 10)}, midnight, []string{""}},
		"disabled":                  {"<Rule><ID>r</ID><Prefix/><Status>Disabled</Status>" + expire3 + "</Rule>", []Version{current(1, 1)}, midnight, nil},
		"on a date":                 {rule("", "<Expiration><Date>2014-01-19T00:00:00Z</Date></Expiration>"), []Version{current(18, 1)}, midnight, []string{""}},
		"before the date":           {rule("", "<Expiration><Date>2014-01-19T00:00:00Z</Date></Expiration>"), []Version{current(1, 1)}, midnight.Add(-1), nil},
		"another prefix":            {rule("<Prefix>b/</Prefix>", expire3), []Version{current(1, 1)}, midnight, nil},
		"its prefix":                {rule("<Prefix>a/</Prefix>", expire3), []Version{current(1, 1)}, midnight, []string{""}},
		"old form of prefix":        {"<Rule><ID>r</ID><Prefix>a/</Prefix><Status>Enabled</Status>" + expire3 + "</Rule>", []Version{current(1, 1)}, midnight, []string{""}},
		"too small":                 {rule("<ObjectSizeGreaterThan>100</ObjectSizeGreaterThan>", expire3), []Version{current(1, 1)}, midnight, nil},
		"large enough":              {rule("<ObjectSizeGreaterThan>99</ObjectSizeGreaterThan>", expire3), []Version{current(1, 1)}, midnight, []string{""}},
		"too large":                 {rule("<ObjectSizeLessThan>100</ObjectSizeLessThan>", expire3), []Version{current(1, 1)}, midnight, nil},
		"its tag":                   {rule("<Tag><Key>team</Key><Value>red</Value></Tag>", expire3), []Version{current(1, 1)}, midnight, []string{""}},
		"another tag":               {rule("<Tag><Key>team</Key><Value>blue</Value></Tag>", expire3), []Version{current(1, 1)}, midnight, nil},
		"all of And":                {rule("<And><Prefix>a/</Prefix><ObjectSizeLessThan>101</ObjectSizeLessThan><Tag><Key>team</Key><Value>red</Value></Tag></And>", expire3), []Version{current(1, 1)}, midnight, []string{""}},
		"not all of And":            {rule("<And><Prefix>a/</Prefix><Tag><Key>team</Key><Value>red</Value></Tag><Tag><Key>x</Key><Value>y</Value></Tag></And>", expire3), []Version{current(1, 1)}, midnight, nil},
		"a marker expires not":      {rule("", expire3), []Version{marker(current(1, 1)), older(ids[0], 1)}, midnight, nil},
		"a marker that hides none":  {rule("", "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"), []Version{marker(current(18, 1))}, midnight, []string{ids[3]}},
		"a marker that hides":       {rule("", "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"), []Version{marker(current(1, 1)), older(ids[0], 1)}, midnight, nil},
		"an old lone marker":        {rule("", expire3), []Version{marker(current(15, 10))}, midnight, []string{ids[3]}},
		"a young lone marker":       {rule("", expire3), []Version{marker(current(16, 10))}, midnight, nil},
		"a lone marker has no size": {rule("<ObjectSizeLessThan>9</ObjectSizeLessThan>", expire3), []Version{marker(current(1, 1))}, midnight, nil},

		// A version's age counts from when the next newer one was made.
		"replaced lately":     {rule("", gone2), []Version{current(17, 1), older(ids[0], 1)}, midnight, nil},
		"replaced before":     {rule("", gone2), []Version{current(16, 1), older(ids[0], 1)}, midnight, []string{ids[0]}},
		"hidden before":       {rule("", gone2), []Version{marker(current(16, 1)), older(ids[0], 1)}, midnight, []string{ids[0]}},
		"each by its own":     {rule("", gone2), []Version{older(ids[0], 1), current(18, 1), older(ids[1], 10), older(ids[2], 17)}, midnight, []string{ids[0]}},
		"old markers too":     {rule("", gone2), []Version{current(16, 1), marker(older(ids[0], 1))}, midnight, []string{ids[0]}},
		"null tells when":     {rule("", gone2), []Version{current(18, 1), older("null", 18)}, midnight, nil},
		"null replaced":       {rule("", gone2), []Version{current(18, 1), older("null", 10)}, midnight, []string{"null"}},
		"null vouches for no": {rule("", gone2), []Version{current(18, 1), older("null", 10), older(ids[0], 1)}, midnight, []string{"null"}},
		"the newest stay": {
			rule("", "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>"),
			[]Version{current(10, 1), older(ids[0], 1), older(ids[1], 2), older(ids[2], 3)},
			midnight,
			[]string{ids[0]},
		},
		"both":                  {rule("", expire3+gone2), []Version{current(1, 1), older(ids[0], 1)}, midnight, []string{"", ids[0]}},
		"no current one listed": {rule("", gone2), []Version{older(ids[0], 1), older(ids[1], 2)}, midnight, nil},
	}
	tags := func(*Version) (map[string]string, error) { return map[string]string{"team": "red", "other": "x"}, nil }
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			list, err := Decide(rules(t, test.rules), test.versions, test.now, tags)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range list {
				got = append(got, d.Version)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("deletions (-want +got):\n%s", d)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	both := rules(t, rule("<Prefix>a/</Prefix>", "<Expiration><Days>3</Days></Expiration>")+
		`<Rule><ID>sooner</ID><Filter><ObjectSizeGreaterThan>1000</ObjectSizeGreaterThan></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>`)
	v := current(15, 10)
	if got, want := Header(both, &v), `expiry-date="Sun, 19 Jan 2014 00:00:00 GMT", rule-id="r"`; got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	v.Size = 2000
	if got, want := Header(both, &v), `expiry-date="Fri, 17 Jan 2014 00:00:00 GMT", rule-id="sooner"`; got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	v.Key, v.Size = "b", 1
	if got := Header(both, &v); got != "" {
		t.Errorf("header %s of an object no rule is about", got)
	}
}

func TestGroup(t *testing.T) {
	l := &listing{
		Versions: []listed{{Key: "b", VersionID: "2"}, {Key: "b", VersionID: "1"}, {Key: "d", VersionID: "1"}},
		Markers:  []listed{{Key: "a", VersionID: "1"}, {Key: "b", VersionID: "3"}, {Key: "c", VersionID: "1"}},
	}
	groups, order := l.group([]Version{{Key: "a", ID: "0"}})
	if d := cmp.Diff([]string{"a", "b", "c", "d"}, order); d != "" {
		t.Error(d)
	}
	if len(groups["a"]) != 2 || len(groups["b"]) != 3 {
		t.Errorf("groups %+v", groups)
	}
}

func TestCommonPrefix(t *testing.T) {
	for want, prefixes := range map[string][]string{"": {"a", "b"}, "a/": {"a/x", "a/y", "a/"}, "a": {"a"}} {
		var rs []Rule
		for _, p := range prefixes {
			rs = append(rs, Rule{Filter: Filter{Prefix: p}})
		}
		if got := commonPrefix(rs); got != want {
			t.Errorf("common prefix of %q is %q", prefixes, got)
		}
	}
}

// FuzzRules: whatever config.Read accepts can be read, and decided by.
func FuzzRules(f *testing.F) {
	f.Add(rule("", "<Expiration><Days>3</Days></Expiration>"))
	f.Add(rule("<And><Tag><Key>a</Key><Value>b</Value></Tag></And>", "<NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration>"))
	f.Add("<Rule><Prefix>x</Prefix><Status>Disabled</Status><Expiration><Date>2014-01-19T00:00:00Z</Date></Expiration></Rule>")
	f.Fuzz(func(t *testing.T, xml string) {
		doc, err := config.Read("LifecycleConfiguration", []byte("<LifecycleConfiguration>"+xml+"</LifecycleConfiguration>"))
		if err != nil {
			return
		}
		rs, err := Rules(doc)
		if err != nil {
			t.Skip(err) // a number beyond int
		}
		none := func(*Version) (map[string]string, error) { return nil, nil }
		if _, err := Decide(rs, []Version{current(1, 1), older(ids[0], 1), marker(older(ids[1], 1))}, at(19, 1), none); err != nil {
			t.Error(err)
		}
	})
}
