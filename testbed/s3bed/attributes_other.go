//go:build !linux

package s3bed

func hasAttributes(string) bool { return false }
