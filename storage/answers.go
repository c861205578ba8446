package storage

import "strconv"

// String is the answer as logs and traces show it.
func (p Put) String() string {
	return word(int(p), "unknown", "created", "exists", "refused")
}

// String is the answer as logs and traces show it.
func (p Publication) String() string {
	return word(int(p), "unclear", "published", "already published", "nothing to publish", "conflict")
}

// String is the answer as logs and traces show it.
func (d Discarding) String() string {
	return word(int(d), "unclear", "discarded", "absent", "used")
}

// String is the answer as logs and traces show it.
func (d Durability) String() string {
	return word(int(d), "unknown", "durable", "gone")
}

func word(i int, words ...string) string {
	if i < 0 || i >= len(words) {
		return strconv.Itoa(i)
	}
	return words[i]
}
