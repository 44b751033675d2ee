package config

import (
	"strings"
	"testing"
	"time"

	"cairn/internal/awserr"
)

func TestValidBucket(t *testing.T) {
	for name, want := range map[string]bool{
		"abc": true, "a.b-c9": true, strings.Repeat("a", 63): true,
		"ab": false, strings.Repeat("a", 64): false, "Abc": false, "a_b": false, "-ab": false, "ab-": false, "a..b": false,
		"192.168.5.4": false, "xn--abc": false, "abc-s3alias": false, "abc--x-s3": false, "": false, "a/b": false,
	} {
		if err := ValidBucket(name); (err == nil) != want {
			t.Errorf("ValidBucket(%q) = %v, want valid %v", name, err, want)
		}
	}
}

// No two valid keys name the same file.
func TestValidKey(t *testing.T) {
	for key, want := range map[string]bool{
		"a\xffb": false,
		"a":      true, "a/b/c": true, "folder/": true, "a b+c%ü": true, ".hidden": true, strings.Repeat("k/", 511) + "ab": true, "tab\tline\n": true,
		strings.Repeat("k", 255): true, strings.Repeat("k", 256): false, "\x1b[2J": false, "a\x7fb": true, "a\ufffeb": false,
		"/a": false, "a//b": false, "a/./b": false, "../a": false, "a/..": false, "a//": false, "": false, "/": false,
		".sgwtmp": false, ".sgwtmp/x": false, "a\x00b": false, strings.Repeat("k", 1025): false,
	} {
		if err := ValidKey(key); (err == nil) != want {
			t.Errorf("ValidKey(%q) = %v, want valid %v", key, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		root, doc string
		good      bool
	}{
		{"VersioningConfiguration", `<VersioningConfiguration xmlns="` + Namespace + `"><Status>Enabled</Status></VersioningConfiguration>`, true},
		{"VersioningConfiguration", `<VersioningConfiguration><Status>On</Status></VersioningConfiguration>`, false},
		{"VersioningConfiguration", `<VersioningConfiguration><Other/></VersioningConfiguration>`, false},
		{"VersioningConfiguration", `<Tagging/>`, false},
		{"VersioningConfiguration", `<VersioningConfiguration xmlns="urn:x"/>`, false},
		{"VersioningConfiguration", `<VersioningConfiguration/><More/>`, false},
		{"VersioningConfiguration", `<!DOCTYPE x [<!ENTITY e "x">]><VersioningConfiguration/>`, false},
		{"VersioningConfiguration", `<VersioningConfiguration>text</VersioningConfiguration>`, false},
		{"VersioningConfiguration", ``, false},
		{"LifecycleConfiguration", `<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`, true},
		{"LifecycleConfiguration", `<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status></Rule></LifecycleConfiguration>`, false},
		{"LifecycleConfiguration", `<LifecycleConfiguration><Rule><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`, false},
		{"LifecycleConfiguration", `<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status><Expiration><Days>0</Days></Expiration></Rule></LifecycleConfiguration>`, false},
		{"Tagging", `<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>`, false},
		{"ObjectLockConfiguration", `<ObjectLockConfiguration><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days><Years>1</Years></DefaultRetention></Rule></ObjectLockConfiguration>`, false},
		{"NotificationConfiguration", `<NotificationConfiguration/>`, true},
		{"NotificationConfiguration", `<NotificationConfiguration><TopicConfiguration/></NotificationConfiguration>`, false},
	} {
		_, err := Read(c.root, []byte(c.doc))
		if (err == nil) != c.good || err != nil && !awserr.Is(err, "MalformedXML") {
			t.Errorf("Read(%s, %s) = %v", c.root, c.doc, err)
		}
	}
}

func TestNodeSpellings(t *testing.T) {
	n, err := ParseXML([]byte(`<Tagging xmlns="` + Namespace + `"><TagSet><Tag><Key>a&amp;b</Key><Value>true</Value></Tag><Tag><Key>n</Key><Value>042</Value></Tag><Tag><Key>m</Key><Value>7</Value></Tag></TagSet></Tagging>`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"xmlns":"` + Namespace + `","TagSet":{"Tag":[{"Value":true,"Key":"a&b"},{"Value":"042","Key":"n"},{"Value":7,"Key":"m"}]}}`
	if got := string(n.AppendJSON(nil)); got != want {
		t.Errorf("record form\n%s, want\n%s", got, want)
	}
	again, err := ParseXML(n.XML())
	if err != nil || string(again.XML()) != string(n.XML()) {
		t.Errorf("document %s does not survive: %v", n.XML(), err)
	}
}

func TestBucketDefaults(t *testing.T) {
	b := NewBucket("b", "111122223333", "us-east-1", time.Now())
	all := PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}
	if b.Block != all || b.Ownership != BucketOwnerEnforced {
		t.Errorf("a new bucket has %+v and ownership %q", b.Block, b.Ownership)
	}
	b.Unset(PublicAccess)
	b.Unset(Ownership)
	if b.Block != (PublicAccessBlock{}) || b.Ownership != "" {
		t.Errorf("after removal the bucket has %+v and ownership %q", b.Block, b.Ownership)
	}
	if n, ok := b.Document(Encryption); !ok || n.At("Rule", "ApplyServerSideEncryptionByDefault", "SSEAlgorithm") != "AES256" {
		t.Error("a bucket without configuration is not encrypted")
	}
	if _, ok := b.Document(Lifecycle); ok {
		t.Error("a new bucket has a lifecycle configuration")
	}
}

func TestPublicPolicies(t *testing.T) {
	for condition, public := range map[string]bool{
		``: true,
		`,"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}`:                  false,
		`,"Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"111122223333"}}`:          true,
		`,"Condition":{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}`:               true,
		`,"Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`: false,
		`,"Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}}`:            true,
		`,"Condition":{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}`:    true,
		`,"Condition":{"IpAddress":{"aws:SourceIp":["10.1.2.0/24"]}}`:                         false,
		`,"Condition":{"IpAddress":{"aws:SourceIp":["10.1.2.0/24","0.0.0.0/1"]}}`:             true,
		`,"Condition":{"NotIpAddress":{"aws:SourceIp":["10.1.2.0/24"]}}`:                      true,
		`,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`:                                true,
	} {
		doc := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"` + condition + `}}`
		p, err := ReadPolicy("b", []byte(doc))
		if err != nil || p.Public != public {
			t.Errorf("%s: public %v, %v; want %v", doc, p, err, public)
		}
	}
	service := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::b"},{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}]}`
	if p, err := ReadPolicy("b", []byte(service)); err != nil || p.Public {
		t.Errorf("a service principal counts as public: %+v %v", p, err)
	}
}

// TestBombs has documents that would grow, or take long, if they were read
// carelessly; and one that only looks like it.
func TestBombs(t *testing.T) {
	large := strings.Repeat("\n\t<Object>\n\t\t<Key>"+strings.Repeat("k", 900)+"</Key>\n\t</Object>", 1000)
	for name, row := range map[string]struct {
		doc string
		ok  bool
	}{
		"entities":              {`<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>`, false},
		"an outer entity":       {`<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&a;</Key></Object></Delete>`, false},
		"an unknown entity":     {`<Delete><Object><Key>&a;</Key></Object></Delete>`, false},
		"too deep":              {strings.Repeat("<a>", 100_000), false},
		"too many":              {"<Delete>" + strings.Repeat("<a/>", 100_000) + "</Delete>", false},
		"text cut by comments":  {"<Delete><Object><Key>" + strings.Repeat("a<!---->", 500_000) + "</Key></Object></Delete>", false},
		"text cut by sections":  {"<Delete><Object><Key>" + strings.Repeat("a<![CDATA[b]]>", 250_000) + "</Key></Object></Delete>", false},
		"white space and parts": {"<Delete>" + strings.Repeat(" <!---->", 500_000) + "<Object><Key>a</Key></Object></Delete>", false},
		"a second root":         {"<Delete/><Delete/>", false},
		"large, and indented":   {"<Delete>" + large + "\n</Delete>", true},
	} {
		start := time.Now()
		_, err := ParseXML([]byte(row.doc))
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Delete", `<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>`)
	f.Add("LifecycleConfiguration", `<LifecycleConfiguration><Rule><ID>x</ID><Filter><And><Prefix>a</Prefix></And></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`)
	f.Add("AccessControlPolicy", `<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>1</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`)
	f.Fuzz(func(t *testing.T, root, doc string) {
		if documents[root] == nil {
			return
		}
		n, err := Read(root, []byte(doc))
		if err != nil {
			return
		}
		again, err := Read(root, n.XML())
		if err != nil {
			t.Fatalf("%s is accepted, but not in our own spelling %s: %v", doc, n.XML(), err)
		}
		if string(again.XML()) != string(n.XML()) {
			t.Fatalf("%s becomes %s", n.XML(), again.XML())
		}
	})
}

func FuzzReadPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","*"]},"Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":false}}}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		p, err := ReadPolicy("b", []byte(doc))
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v with error %v", p, err)
		}
		if err != nil && awserr.From(err).Status >= 500 {
			t.Fatalf("a bad policy is an internal failure: %v", err)
		}
	})
}

func FuzzCopySource(f *testing.F) {
	f.Add("bucket/key?versionId=v")
	f.Add("/bucket/a%2Fb+c")
	f.Fuzz(func(t *testing.T, v string) {
		src, err := ParseCopySource(v)
		if err != nil {
			return
		}
		again, err := ParseCopySource(src.Header())
		if err != nil || *again != *src {
			t.Fatalf("%q is %+v, and passed on %+v: %v", v, src, again, err)
		}
	})
}
