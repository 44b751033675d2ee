package cloudtrail

import (
	"context"
	"slices"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/policy"
	"cairn/internal/trail"
)

// Limits on tags (spec 4.2).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
	maxTagged   = 20
)

func (s *Service) addTags(a *call.API) {
	add := write(a, "AddTags", func(in *sdk.AddTagsInput) *string { return in.ResourceId }, s.addTagsTo)
	add.NoOutput = true
	add.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*sdk.AddTagsInput)
		return []call.Check{{Resource: resourceOf(c, in.ResourceId), Context: requestTags(in.TagsList)}}, nil
	}
	remove := write(a, "RemoveTags", func(in *sdk.RemoveTagsInput) *string { return in.ResourceId }, s.removeTags)
	remove.NoOutput = true
	remove.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*sdk.RemoveTagsInput)
		return []call.Check{{Resource: resourceOf(c, in.ResourceId), Context: requestTags(in.TagsList)}}, nil
	}
	list := call.New("ListTags", s.listTags)
	list.ReadOnly = true
	list.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		var checks []call.Check
		for _, id := range c.Input.(*sdk.ListTagsInput).ResourceIdList {
			checks = append(checks, call.Check{Resource: resourceOf(c, &id)})
		}
		if checks == nil {
			checks = []call.Check{{}}
		}
		return checks, nil
	}
	a.Add(list)
}

// requestTags is the context of a request that sets or removes tags.
func requestTags(tags []types.Tag) policy.Context {
	if len(tags) == 0 {
		return nil
	}
	c := policy.Context{}
	for _, t := range tags {
		c.AddRequestTag(value(t.Key), value(t.Value))
	}
	return c
}

// addTags returns old with more tags, of which one with a known key replaces the
// value.
func addTags(old []trail.Tag, more []types.Tag) ([]trail.Tag, error) {
	tags, seen := slices.Clone(old), map[string]bool{}
	for _, m := range more {
		k, v := value(m.Key), value(m.Value)
		switch {
		case k == "" || utf8.RuneCountInString(k) > maxTagKey:
			return nil, refuse("InvalidTagParameterException", "Tag key %q is invalid: it must have 1 to %d characters.", k, maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return nil, refuse("InvalidTagParameterException", "The value of tag %s is invalid: it can have up to %d characters.", k, maxTagValue)
		case seen[k]:
			return nil, refuse("InvalidTagParameterException", "Tag key %s is given more than once.", k)
		}
		seen[k] = true
		if i := slices.IndexFunc(tags, func(t trail.Tag) bool { return t.Key == k }); i >= 0 {
			tags[i].Value = v
		} else {
			tags = append(tags, trail.Tag{Key: k, Value: v})
		}
	}
	if len(tags) > maxTags {
		return nil, refuse("TagsLimitExceededException", "A trail can have up to %d tags; it would have %d.", maxTags, len(tags))
	}
	return tags, nil
}

// tagged refuses resources named otherwise than by ARN, as AWS does.
func tagged(id *string) error {
	ref, err := trail.ParseRef(value(id), "", "")
	if err != nil || !ref.ByARN {
		return refuse("CloudTrailARNInvalidException",
			"%s is not a trail ARN. Its format is: arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail", value(id))
	}
	return nil
}

// notFound words a missing trail as the tag operations do.
func notFound(id *string, err error) error {
	if awserr.Is(err, "TrailNotFoundException") {
		return refuse("ResourceNotFoundException", "The resource %s does not exist.", value(id))
	}
	return err
}

func (s *Service) addTagsTo(ctx context.Context, g *call.Granted, in *sdk.AddTagsInput) (*sdk.AddTagsOutput, error) {
	if err := tagged(in.ResourceId); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, g, in.ResourceId, func(t *trail.Trail) error {
		tags, err := addTags(t.Tags, in.TagsList)
		t.Tags = tags
		return err
	})
	if err != nil {
		return nil, notFound(in.ResourceId, err)
	}
	return &sdk.AddTagsOutput{}, nil
}

// removeTags removes tags by key; values are not looked at, and keys that are
// not there are no error.
func (s *Service) removeTags(ctx context.Context, g *call.Granted, in *sdk.RemoveTagsInput) (*sdk.RemoveTagsOutput, error) {
	if err := tagged(in.ResourceId); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, g, in.ResourceId, func(t *trail.Trail) error {
		t.Tags = slices.DeleteFunc(t.Tags, func(have trail.Tag) bool {
			return slices.ContainsFunc(in.TagsList, func(r types.Tag) bool { return value(r.Key) == have.Key })
		})
		return nil
	})
	if err != nil {
		return nil, notFound(in.ResourceId, err)
	}
	return &sdk.RemoveTagsOutput{}, nil
}

func (s *Service) listTags(_ context.Context, g *call.Granted, in *sdk.ListTagsInput) (*sdk.ListTagsOutput, error) {
	switch n := len(in.ResourceIdList); {
	case n == 0 || n > maxTagged:
		return nil, refuse("InvalidParameterException", "ResourceIdList has %d ARNs; it must have 1 to %d.", n, maxTagged)
	case value(in.NextToken) != "":
		return nil, refuse("InvalidTokenException", "NextToken %s was not given out: all tags are on one page.", *in.NextToken)
	}
	out := &sdk.ListTagsOutput{ResourceTagList: []types.ResourceTag{}}
	for _, id := range in.ResourceIdList {
		if err := tagged(&id); err != nil {
			return nil, err
		}
		t, err := s.find(g, &id)
		if err != nil {
			return nil, notFound(&id, err)
		}
		r := types.ResourceTag{ResourceId: &id, TagsList: []types.Tag{}}
		for i := range t.Tags {
			r.TagsList = append(r.TagsList, types.Tag{Key: &t.Tags[i].Key, Value: &t.Tags[i].Value})
		}
		out.ResourceTagList = append(out.ResourceTagList, r)
	}
	return out, nil
}
