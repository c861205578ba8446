package hdfs

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"shadoof/storage"
)

// token is the JSON of a staged file: where it lies, and the only key under which it can be published. A listing knows no key.
type token struct {
	Path string `json:"path"`
	Key  string `json:"key,omitempty"`
}

func (t token) marshal() storage.Token {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // a struct of strings
	}
	return data
}

func parseToken(raw storage.Token) (token, error) {
	var t token
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("token %.200q: %w", raw, err)
	}
	if t.Path == "" {
		return t, fmt.Errorf("token %.200q holds no path: is it of another kind of store? %w", raw, fs.ErrInvalid)
	}
	if err := checkStaging(t.Path); err != nil {
		return t, fmt.Errorf("token: %w", err)
	}
	return t, nil
}
