// Package partitioning says where a record goes: which time folder below its topic's folder.
package partitioning
