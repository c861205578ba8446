//go:build long

package hdfslimits_test

import (
	"testing"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// TestEncryptionZonesAreRefused has zones wherever files would be made, before and after a topic's first run.
func TestEncryptionZonesAreRefused(t *testing.T) {
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{Encryption: true})
	fs := c.FS(hdfsbed.Superuser)
	root := func(j *product.Job) string { return at(j) }
	for _, z := range []struct {
		name, settings string
		folder         func(j *product.Job) string
		late           bool // the topic has a log already
	}{
		{"the root", plain, root, false},
		{"the topic's folder", plain, topicFolder, false},
		{"the topic's folder, staging in it", inTopic, topicFolder, false},
		{"the folder of a topic with a log", plain, topicFolder, true},
		{"the folder of a topic with a log, staging in it", inTopic, topicFolder, true},
	} {
		t.Run(z.name, func(t *testing.T) {
			j := ownJob(t, c, z.settings, "")
			if z.late {
				dies(t, j, "after-init", "run")
			}
			zone := z.folder(j)
			must(t, fs.RemoveAll(ctx, zone), fs.MkdirAll(ctx, zone, "755"))
			_, err := c.Admin(ctx, hdfsbed.CryptoAdmin, "-createZone", "-keyName", hdfsbed.EncryptionKey, "-path", zone)
			must(t, err, fs.SetOwner(ctx, zone, hdfsbed.User, hdfsbed.Group))
			ends(t, j, 4, []string{zone, " is in an encryption zone, which this client does not write correctly: use a folder outside of encryption zones"}, "run")
			nothing(t, j)
			if got := staged(t, j); len(got) > 0 {
				t.Errorf("staged are %q", got)
			}
			if z.late {
				must(t, fs.RemoveAll(ctx, zone))
				ends(t, j, 0, nil, "run")
				exact(t, j)
			}
		})
	}
}
