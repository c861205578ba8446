package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/storage"
)

// A rule is a lifecycle rule that is in force, as far as it matters here.
type rule struct {
	id          string
	prefix      string
	aborts      int32  // days after which uploads are aborted; 0: it aborts none
	expires     string // when objects are deleted, as people say it; "" if they are not
	moves       string // the class that objects are moved to from which they cannot be read at once; "" if they are not
	oldVersions int32  // days after which old versions are deleted; 0: never
}

// covers says whether the rule may touch something whose key begins with prefix.
func (r rule) covers(prefix string) bool {
	return strings.HasPrefix(prefix, r.prefix) || strings.HasPrefix(r.prefix, prefix)
}

// coversAll says whether it touches all of that.
func (r rule) coversAll(prefix string) bool { return strings.HasPrefix(prefix, r.prefix) }

// lifecycle reads the rules; none is no error.
func (s *Store) lifecycle(ctx context.Context) ([]rule, error) {
	out, err := s.client.GetBucketLifecycleConfiguration(ctx, &awss3.GetBucketLifecycleConfigurationInput{Bucket: &s.o.Bucket})
	if answerOf(err).code == "NoSuchLifecycleConfiguration" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rules []rule
	for _, r := range out.Rules {
		if r.Status == types.ExpirationStatusEnabled {
			rules = append(rules, readRule(r))
		}
	}
	return rules, nil
}

func readRule(r types.LifecycleRule) rule {
	//lint:ignore SA1019 some servers and old rules still have the prefix there
	prefix := aws.ToString(r.Prefix)
	tagged := false
	if f := r.Filter; f != nil {
		prefix = aws.ToString(f.Prefix)
		tagged = f.Tag != nil
		if f.And != nil {
			prefix, tagged = aws.ToString(f.And.Prefix), len(f.And.Tags) > 0
		}
	}
	out := rule{id: aws.ToString(r.ID), prefix: prefix}
	if a := r.AbortIncompleteMultipartUpload; a != nil {
		out.aborts = max(1, aws.ToInt32(a.DaysAfterInitiation))
	}
	if n := r.NoncurrentVersionExpiration; n != nil {
		out.oldVersions = max(1, aws.ToInt32(n.NoncurrentDays))
	}
	if tagged {
		return out // our objects have no tags
	}
	if e := r.Expiration; e != nil {
		switch {
		case e.Date != nil:
			out.expires = "on " + e.Date.Format("2006-01-02")
		case e.Days != nil:
			out.expires = fmt.Sprintf("after %d days", *e.Days)
		}
	}
	for _, t := range r.Transitions {
		switch t.StorageClass {
		case types.TransitionStorageClassGlacier, types.TransitionStorageClassDeepArchive:
			out.moves = string(t.StorageClass)
		}
	}
	return out
}

// leastAbort is how many days a staged file must be left alone: longer than the longest time in which no run may succeed.
const leastAbort = 2

const wanted = "uploads that nobody completes are billed and invisible: a rule with AbortIncompleteMultipartUpload after 7 days would end them, where gc does not run"

// examineLifecycle looks for rules that take away what is staged or committed.
func (s *Store) examineLifecycle(ctx context.Context, moves []storage.Move) []storage.Finding {
	rules, err := s.lifecycle(ctx)
	if err != nil {
		return s.unseen("lifecycle rules", "s3:GetLifecycleConfiguration", "get-bucket-lifecycle-configuration", err)
	}
	own := s.o.Prefix + "_shadoof/"
	found := s.abortRules(rules)
	for _, r := range rules {
		if !r.covers(own) || strings.HasPrefix(r.prefix, own+"probe/") {
			continue
		}
		switch {
		case r.expires != "":
			found = append(found, one(storage.Bad, "log is kept", "lifecycle rule %q deletes objects below %q %s, and %s holds the commit log: a record that is gone stops its topic, and its slot "+
				"could be taken twice: narrow the rule", r.id, r.prefix, r.expires, own)...)
		case r.moves != "":
			found = append(found, one(storage.Bad, "log is kept", "lifecycle rule %q moves objects below %q to %s, from where they cannot be read at once, and %s holds the commit log: narrow the rule",
				r.id, r.prefix, r.moves, own)...)
		}
	}
	seen := map[string]bool{}
	for _, m := range moves {
		folder := s.o.Prefix + strings.Trim(m.Folder, "/") + "/"
		for _, r := range rules {
			key := r.id + "\n" + r.prefix
			if strings.HasPrefix(folder, own) || !r.covers(folder) || seen[key] || r.expires == "" && r.moves == "" {
				continue
			}
			seen[key] = true
			found = append(found, s.dataRule(r, m.Folder))
		}
	}
	if !bad(found) {
		found = append(found, one(storage.Good, "log is kept", "no lifecycle rule touches %s", own)...)
	}
	return found
}

func (s *Store) dataRule(r rule, folder string) storage.Finding {
	if r.expires != "" {
		return one(storage.Doubt, "data is kept", "lifecycle rule %q deletes files of %s (prefix %q) %s: runs go on, but verify takes them for files that somebody deleted (exit 4)", r.id, folder, r.prefix, r.expires)[0]
	}
	return one(storage.Doubt, "data is kept", "lifecycle rule %q moves files of %s (prefix %q) to %s: readers, verify --deep and repairs cannot read them there", r.id, folder, r.prefix, r.moves)[0]
}

func bad(found []storage.Finding) bool {
	for _, f := range found {
		if f.Grade == storage.Bad && f.Name == "log is kept" {
			return true
		}
	}
	return false
}

// abortRules looks at what ends uploads: staged files are uploads.
func (s *Store) abortRules(rules []rule) []storage.Finding {
	const name = "staged files are kept"
	var ends *rule
	for _, r := range rules {
		if r.aborts == 0 || !r.covers(s.o.Prefix) {
			continue
		}
		if r.aborts < leastAbort {
			return one(storage.Bad, name, "lifecycle rule %q aborts uploads below %q after %d day: committed files that are not visible yet are uploads, and would have to be rebuilt from Kafka: use 7 days",
				r.id, r.prefix, r.aborts)
		}
		if r.coversAll(s.o.Prefix) {
			ends = &r
		}
	}
	if ends == nil {
		return one(storage.Doubt, name, "no lifecycle rule aborts uploads below %q: %s", s.o.Prefix, wanted)
	}
	return one(storage.Good, name, "uploads are aborted after %d days (rule %q): no more than that may pass without a run that succeeds", ends.aborts, ends.id)
}

// examinePolicy counts what denies: whether it concerns us cannot be told from the text alone, the permissions that were tried can.
func (s *Store) examinePolicy(ctx context.Context) []storage.Finding {
	const name = "bucket policy"
	out, err := s.client.GetBucketPolicy(ctx, &awss3.GetBucketPolicyInput{Bucket: &s.o.Bucket})
	switch {
	case answerOf(err).code == "NoSuchBucketPolicy":
		return one(storage.Good, name, "none")
	case err != nil:
		return s.unseen(name, "s3:GetBucketPolicy", "get-bucket-policy", err)
	}
	statements, err := readPolicy(aws.ToString(out.Policy))
	if err != nil {
		return one(storage.Unseen, name, "it is not understood (%v): look with `aws s3api get-bucket-policy --bucket %s`", err, s.o.Bucket)
	}
	var denies []string
	for _, st := range statements {
		if st.Effect == "Deny" {
			denies = append(denies, fmt.Sprintf("%q", st.Sid))
		}
	}
	if len(denies) > 0 {
		return one(storage.Good, name, "%d statements, of which %s deny something; the permissions that were tried above count", len(statements), strings.Join(denies, ", "))
	}
	return one(storage.Good, name, "%d statements, none of which denies anything", len(statements))
}

type statement struct{ Effect, Sid string }

// readPolicy takes a list of statements, and one that stands alone.
func readPolicy(text string) ([]statement, error) {
	var policy struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil, err
	}
	var list []statement
	if err := json.Unmarshal(policy.Statement, &list); err == nil {
		return list, nil
	}
	list = make([]statement, 1)
	return list, json.Unmarshal(policy.Statement, &list[0])
}
