// Package evolve says what becomes of rows whose schema changes: which rows hold what two schemas hold, what differs between two
// schemas, and which names readers will stumble over. Its functions are pure: schemas in, schemas and reports out.
package evolve
