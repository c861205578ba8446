package s3

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/storage"
)

// metaKey is the name of the object's metadata that holds the token's Meta: x-amz-meta-shadoof.
const metaKey = "shadoof"

// token is the JSON of a staged file. A listing of uploads knows only the id.
type token struct {
	UploadID string      `json:"upload_id"`
	Meta     string      `json:"meta,omitempty"`
	Parts    []tokenPart `json:"parts,omitempty"`
}

type tokenPart struct {
	Number int32  `json:"n"`
	ETag   string `json:"etag"`
	Size   int64  `json:"size"`
	CRC    string `json:"crc"` // CRC32C, big endian, in base64, as S3 writes it
}

func (t token) marshal() storage.Token {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return data
}

func parseToken(raw storage.Token) (token, error) {
	var t token
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("token %.200q: %w", raw, err)
	}
	if t.UploadID == "" {
		return t, fmt.Errorf("token %.200q holds no upload id: is it of another kind of store? %w", raw, fs.ErrInvalid)
	}
	return t, nil
}

// bytes is the length of the file.
func (t token) bytes() (n int64) {
	for _, p := range t.Parts {
		n += p.Size
	}
	return n
}

func (t token) completed() []types.CompletedPart {
	parts := make([]types.CompletedPart, len(t.Parts))
	for i, p := range t.Parts {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(p.Number), ETag: aws.String(p.ETag)}
		if p.CRC != "" {
			parts[i].ChecksumCRC32C = aws.String(p.CRC)
		}
	}
	return parts
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC32C of some bytes as S3 writes it.
func checksum(chunks ...[]byte) string {
	crc := uint32(0)
	for _, c := range chunks {
		crc = crc32.Update(crc, castagnoli, c)
	}
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}
