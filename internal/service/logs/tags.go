package logs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/policy"
)

const maxTags = 50

var (
	tagKey   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValue = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// addTags adds the tagging operations, the present ones (by ARN) and those they
// replaced (by name), which ask for their own permissions.
func (s *Service) addTags() {
	add(s, "TagResource", func(c *call.Call, in *cloudwatchlogs.TagResourceInput) (place, error) {
		return s.tagged(c, in.ResourceArn, in.Tags)
	}, func(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.TagResourceInput, at place) (*cloudwatchlogs.TagResourceOutput, error) {
		return &cloudwatchlogs.TagResourceOutput{}, s.tag(ctx, at, in.Tags)
	})
	add(s, "UntagResource", func(c *call.Call, in *cloudwatchlogs.UntagResourceInput) (place, error) {
		p, err := s.tagged(c, in.ResourceArn, nil)
		p.context = policy.Context{"aws:tagkeys": in.TagKeys}
		return p, err
	}, func(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.UntagResourceInput, at place) (*cloudwatchlogs.UntagResourceOutput, error) {
		return &cloudwatchlogs.UntagResourceOutput{}, s.groups.Untag(ctx, at.Ref, in.TagKeys)
	})
	add(s, "ListTagsForResource", func(c *call.Call, in *cloudwatchlogs.ListTagsForResourceInput) (place, error) {
		return s.tagged(c, in.ResourceArn, nil)
	}, func(_ context.Context, _ *call.Granted, _ *cloudwatchlogs.ListTagsForResourceInput, at place) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
		tags, err := s.tags(at)
		return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags}, err
	}).ReadOnly = true
	add(s, "TagLogGroup", func(c *call.Call, in *cloudwatchlogs.TagLogGroupInput) (place, error) {
		p, err := named(c, in.LogGroupName)
		if err == nil {
			p.context, err = requestTags(in.Tags), checkTags(in.Tags)
		}
		return p, err
	}, func(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.TagLogGroupInput, at place) (*cloudwatchlogs.TagLogGroupOutput, error) {
		return &cloudwatchlogs.TagLogGroupOutput{}, s.tag(ctx, at, in.Tags)
	})
	add(s, "UntagLogGroup", func(c *call.Call, in *cloudwatchlogs.UntagLogGroupInput) (place, error) {
		p, err := named(c, in.LogGroupName)
		p.context = policy.Context{"aws:tagkeys": in.Tags}
		return p, err
	}, func(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.UntagLogGroupInput, at place) (*cloudwatchlogs.UntagLogGroupOutput, error) {
		return &cloudwatchlogs.UntagLogGroupOutput{}, s.groups.Untag(ctx, at.Ref, in.Tags)
	})
	add(s, "ListTagsLogGroup", func(c *call.Call, in *cloudwatchlogs.ListTagsLogGroupInput) (place, error) {
		return named(c, in.LogGroupName)
	}, func(_ context.Context, _ *call.Granted, _ *cloudwatchlogs.ListTagsLogGroupInput, at place) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
		tags, err := s.tags(at)
		return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: tags}, err
	}).ReadOnly = true
}

// tagged returns the group of an ARN, for the operations that name it so.
func (s *Service) tagged(c *call.Call, resource *string, tags map[string]string) (place, error) {
	if resource == nil {
		return place{}, s.api.Codec.Missing("resourceArn")
	}
	p, err := fromARN(c, *resource, "resourceArn")
	if err != nil {
		return p, err
	}
	p.bare = true
	if tags != nil {
		p.context = requestTags(tags)
		err = checkTags(tags)
	}
	return p, err
}

func (s *Service) tag(ctx context.Context, at place, tags map[string]string) error {
	if len(tags) == 0 {
		return constraint("{}", "tags", "Member must have length greater than or equal to 1")
	}
	return s.groups.Tag(ctx, at.Ref, tags, func(all map[string]string) error {
		if len(all) > maxTags {
			return awserr.New(http.StatusBadRequest, "TooManyTagsException",
				"A log group can have %d tags; with these it would have %d.", maxTags, len(all))
		}
		return nil
	})
}

// tags returns a copy of a group's tags: empty, not absent, if it has none.
func (s *Service) tags(at place) (map[string]string, error) {
	g, err := s.groups.Group(at.Ref)
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(g.Tags))
	maps.Copy(tags, g.Tags)
	return tags, nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return constraint(len(tags), "tags", "Member must have length less than or equal to 50")
	}
	for k, v := range tags {
		switch {
		case utf8.RuneCountInString(k) > 128 || !tagKey.MatchString(k):
			return constraint(k, "tags", "Map keys must have 1 to 128 characters of the pattern "+tagKey.String())
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return invalid("Tag keys that begin with aws: are reserved: %s", k)
		case utf8.RuneCountInString(v) > 256 || !tagValue.MatchString(v):
			return constraint(v, "tags", "Map values must have at most 256 characters of the pattern "+tagValue.String())
		}
	}
	return nil
}

// requestTags returns the tags of a request as condition keys.
func requestTags(tags map[string]string) policy.Context {
	k := policy.Context{}
	for name, value := range tags {
		k.AddRequestTag(name, value)
	}
	return k
}

// retentionSet spells the allowed retentions as AWS's validation does.
func retentionSet() string {
	return "[" + strings.Trim(strings.ReplaceAll(fmt.Sprint(retentions), " ", ", "), "[]") + "]"
}
