package hdfsbed

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// delegations are the tokens with which users are let in to WebHDFS of a secure cluster, without tickets.
type delegations struct {
	mu     sync.Mutex
	byUser map[string]string
}

const fetcher = "org.apache.hadoop.hdfs.tools.DelegationTokenFetcher"

// delegation is a user's token in the form for URLs. The first call for a user starts a JVM.
func (c *Cluster) delegation(ctx context.Context, user string) (string, error) {
	d := &c.delegations
	d.mu.Lock()
	defer d.mu.Unlock()
	if token := d.byUser[user]; token != "" {
		return token, nil
	}
	file := filepath.Join(c.folder.Path, user+".token")
	if _, err := c.tool(ctx, user, fetcher, "--renewer", user, file); err != nil {
		return "", err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("testbed: hdfs: token of %s: %w", user, err)
	}
	token, err := onlyToken(content)
	if err != nil {
		return "", fmt.Errorf("testbed: hdfs: token of %s in %s: %w", user, file, err)
	}
	if d.byUser == nil {
		d.byUser = make(map[string]string)
	}
	d.byUser[user] = token
	return token, nil
}

// onlyToken takes the token out of a file of Hadoop's Credentials: HDTS, version 0, one token as alias, identifier, password, kind and
// service, no secret keys. Lengths are Hadoop's vints.
func onlyToken(content []byte) (string, error) {
	rest, ok := bytes.CutPrefix(content, []byte("HDTS\x00\x01"))
	if !ok {
		return "", errors.New("not one token")
	}
	_, rest, ok = field(rest) // alias
	if !ok {
		return "", errors.New("cut off")
	}
	end := rest
	for range 4 {
		if _, end, ok = field(end); !ok {
			return "", errors.New("cut off")
		}
	}
	return base64.RawURLEncoding.EncodeToString(rest[:len(rest)-len(end)]), nil
}

// field takes bytes with their length off b. Lengths from 128 on have a first byte of -113 (one more byte) or -114 (two).
func field(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	size, b := int(int8(b[0])), b[1:]
	if more := -112 - size; more == 1 || more == 2 {
		if len(b) < more {
			return nil, nil, false
		}
		size = 0
		for _, digit := range b[:more] {
			size = size<<8 | int(digit)
		}
		b = b[more:]
	}
	if size < 0 || size > len(b) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}
