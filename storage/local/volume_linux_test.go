package local

import "testing"

func TestTheTableOfMountsIsRead(t *testing.T) {
	t.Parallel()
	const table = `36 35 98:0 / /mnt1 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 35 0:50 / /mnt/lake rw,relatime shared:2 master:3 - nfs4 server:/lake rw,vers=4.2,rsize=1048576,soft,actimeo=0,lookupcache=positive
38 35 0:51 / /mnt/s3 rw - fuse.s3fs s3fs rw,user_id=0
broken
`
	for id, want := range map[uint64]volume{
		36: {kind: "ext3", point: "/mnt1", options: "rw,noatime"},
		37: {kind: "nfs4", point: "/mnt/lake", options: "rw,relatime,vers=4.2,soft,actimeo=0,lookupcache=positive"},
		38: {kind: "fuse", point: "/mnt/s3", options: "rw"},
		39: {},
	} {
		var got volume
		got.describe([]byte(table), id)
		if got != want {
			t.Errorf("mount %d: %+v, want %+v", id, got, want)
		}
	}
}
