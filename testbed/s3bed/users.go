package s3bed

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// AddUser makes a user who may do nothing yet, on a server with Options.Users.
func (s *Server) AddUser(ctx context.Context, access, secret string) error {
	cmd := exec.CommandContext(ctx, s.args[0], "admin", "--access", s.AccessKey, "--secret", s.SecretKey, "--endpoint-url", s.Endpoint, "--region", s.Region,
		"create-user", "--access", access, "--secret", secret, "--role", "user")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("testbed: s3: add user %s: %w: %s", access, err, out)
	}
	return nil
}

// SetPolicy sets a bucket's policy.
func (s *Server) SetPolicy(ctx context.Context, bucket, policy string) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		return fmt.Errorf("testbed: s3: policy of %s: %w", bucket, err)
	}
	return nil
}
