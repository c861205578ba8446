package readers

import "strconv"

// A Digest is what there is of each partition. Two sets of rows with equal digests are equal, but for collisions of 64 bits.
// Its keys are partitions in decimal.
type Digest map[string]PartitionDigest

// A PartitionDigest counts the rows of a partition, tells the least and greatest offset, and sums up a hash of each row. A row that
// is there twice, or missing, or changed in one of the columns of the digest, changes it.
type PartitionDigest struct {
	Rows  int64  `json:"rows"`
	First int64  `json:"first"`
	Last  int64  `json:"last"`
	Sum   uint64 `json:"sum,string"`
}

// Add adds a row: its partition, its offset, and its values of Query.Columns in their order.
func (d Digest) Add(partition int32, offset int64, columns ...int64) {
	hash := mix(mix(uint64(int64(partition))) ^ uint64(offset))
	for _, c := range columns {
		hash = mix(hash ^ uint64(c))
	}
	key := strconv.Itoa(int(partition))
	d[key] = d[key].Plus(PartitionDigest{Rows: 1, First: offset, Last: offset, Sum: hash})
}

// Plus is the digest of the rows of both, which are rows of one partition.
func (p PartitionDigest) Plus(o PartitionDigest) PartitionDigest {
	if p.Rows == 0 {
		return o
	}
	if o.Rows == 0 {
		return p
	}
	return PartitionDigest{Rows: p.Rows + o.Rows, First: min(p.First, o.First), Last: max(p.Last, o.Last), Sum: p.Sum + o.Sum}
}

// Rows is the number of rows of all partitions.
func (d Digest) Rows() int64 {
	var n int64
	for _, p := range d {
		n += p.Rows
	}
	return n
}

// mix is splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
