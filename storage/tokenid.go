package storage

import "encoding/json"

// TokenID is the identity of a token: two tokens with the same one are the right to the same staged bytes, however much else they
// carry. Every driver's token has it in the member "upload_id" or "path"; it is "" for what is no token.
func TokenID(t Token) string {
	var id struct {
		Upload string `json:"upload_id"`
		Path   string `json:"path"`
	}
	if json.Unmarshal(t, &id) != nil {
		return ""
	}
	return id.Upload + id.Path
}
