package ec2

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cairn/internal/call"
)

// answered is how records write an answer that says only that it worked.
const answered = `{"_return":true}`

func (s *Service) addTags(a *call.API) {
	create := call.New("CreateTags", s.createTags)
	create.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*ec2.CreateTagsInput)
		tags, err := checkTags(in.Tags)
		if err != nil {
			return nil, err
		}
		checks := s.onInstances(c, in.Resources)
		for i := range checks {
			for _, t := range tags {
				checks[i].Context.AddRequestTag(t.Key, t.Value)
			}
		}
		return checks, nil
	}
	a.Add(create)
	remove := call.New("DeleteTags", s.deleteTags)
	remove.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		return s.authorizeUntag(c, c.Input.(*ec2.DeleteTagsInput)), nil
	}
	a.Add(remove)
	describe := call.New("DescribeTags", s.describeTags)
	describe.ReadOnly = true
	a.Add(describe)
}

// authorizeUntag asks for the tags that are to go. A request that names none means
// all that an instance has.
func (s *Service) authorizeUntag(c *call.Call, in *ec2.DeleteTagsInput) []call.Check {
	checks := s.onInstances(c, in.Resources)
	var all map[string]located
	if len(in.Tags) == 0 {
		all = s.find(c)
	}
	for i, id := range in.Resources {
		k := checks[i].Context
		for _, t := range in.Tags {
			k["aws:tagkeys"] = append(k["aws:tagkeys"], aws.ToString(t.Key))
			if t.Value != nil {
				k.AddTag("aws:requesttag/", aws.ToString(t.Key), *t.Value)
			}
		}
		if l, ok := all[id]; ok {
			for _, t := range l.in.Tags {
				k["aws:tagkeys"] = append(k["aws:tagkeys"], t.Key)
			}
		}
	}
	return checks
}

// checkTags returns the tags as they are stored.
func checkTags(tags []types.Tag) ([]tag, error) {
	out := make([]tag, 0, len(tags))
	for _, t := range tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case key == "" || utf8.RuneCountInString(key) > 127:
			return nil, refuse("InvalidParameterValue", "Tag key '%s' must have 1 to 127 characters.", key)
		case utf8.RuneCountInString(value) > 255:
			return nil, refuse("InvalidParameterValue", "Tag value exceeds the maximum length of 255 characters")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, refuse("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		case slices.ContainsFunc(out, func(o tag) bool { return o.Key == key }):
			return nil, refuse("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
		}
		out = append(out, tag{key, value})
	}
	if len(out) > maxTags {
		return nil, tooManyTags()
	}
	return out, nil
}

func tooManyTags() error {
	return refuse("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}

// taggable returns the instances that resources name; nothing else can be
// tagged here.
func (s *Service) taggable(c *call.Call, resources []string) ([]located, error) {
	if len(resources) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter resourceIdSet")
	}
	for _, id := range resources {
		if !strings.HasPrefix(id, "i-") {
			return nil, unsupported("Tagging " + id)
		}
	}
	return s.named(c, resources)
}

func (s *Service) createTags(ctx context.Context, g *call.Granted, in *ec2.CreateTagsInput) (*ec2.CreateTagsOutput, error) {
	found, err := s.taggable(g.Call, in.Resources)
	if err != nil {
		return nil, err
	}
	tags, err := checkTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter tagSet")
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	for _, l := range found {
		_, err := s.change(ctx, l, func(n *instance) error {
			for _, t := range tags {
				n.Tags = append(slices.DeleteFunc(n.Tags, func(o tag) bool { return o.Key == t.Key }), t)
			}
			if len(n.Tags) > maxTags {
				return tooManyTags()
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("tag %s: %w", l.in.ID, err)
		}
	}
	g.ResponseElements = []byte(answered)
	return &ec2.CreateTagsOutput{}, nil
}

// deleteTags deletes tags by key, and only those with the value if one is given
// (an empty one included); without tags it deletes all.
func (s *Service) deleteTags(ctx context.Context, g *call.Granted, in *ec2.DeleteTagsInput) (*ec2.DeleteTagsOutput, error) {
	found, err := s.taggable(g.Call, in.Resources)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	doomed := func(have tag) bool {
		return len(in.Tags) == 0 || slices.ContainsFunc(in.Tags, func(t types.Tag) bool {
			return aws.ToString(t.Key) == have.Key && (t.Value == nil || *t.Value == have.Value)
		})
	}
	for _, l := range found {
		_, err := s.change(ctx, l, func(n *instance) error {
			n.Tags = slices.DeleteFunc(n.Tags, doomed)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("untag %s: %w", l.in.ID, err)
		}
	}
	g.ResponseElements = []byte(answered)
	return &ec2.DeleteTagsOutput{}, nil
}

func tagFilter(name string) bool {
	return slices.Contains([]string{"key", "value", "resource-id", "resource-type"}, name)
}

// described is a tag in a listing, with the key the listing is sorted by.
type described struct {
	order string
	types.TagDescription
}

func (s *Service) describeTags(_ context.Context, g *call.Granted, in *ec2.DescribeTagsInput) (*ec2.DescribeTagsOutput, error) {
	size, after, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, tagFilter); err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	var all []described
	for id, l := range s.find(g.Call) {
		for _, t := range l.in.Tags {
			have := map[string]string{"key": t.Key, "value": t.Value, "resource-id": id, "resource-type": "instance"}
			order := id + "/" + t.Key
			misses := func(f types.Filter) bool { return !passes(f, []string{have[*f.Name]}) }
			if order <= after || slices.ContainsFunc(in.Filters, misses) {
				continue
			}
			all = append(all, described{order, types.TagDescription{
				Key: &t.Key, Value: &t.Value, ResourceId: &id, ResourceType: types.ResourceTypeInstance,
			}})
		}
	}
	slices.SortFunc(all, func(a, b described) int { return strings.Compare(a.order, b.order) })
	out := &ec2.DescribeTagsOutput{Tags: []types.TagDescription{}}
	for i, d := range all[:min(len(all), size)] {
		out.Tags = append(out.Tags, d.TagDescription)
		if i == size-1 && len(all) > size {
			out.NextToken = aws.String(base64.URLEncoding.EncodeToString([]byte(d.order)))
		}
	}
	return out, nil
}
