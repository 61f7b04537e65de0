package cloud

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// cursor is the start of a page of one query.
type cursor struct {
	offset, page int
	filters      string // see filterHash
}

const (
	tokenPrefixBytes = 4 // zeros and a one, so that tokens begin like the documented AAAAAV3M…
	tokenSaltBytes   = 2
	tokenHashBytes   = 16
)

// token encodes the cursor as an opaque text. The text always contains both
// a + and a /, as the service's tokens may, so that a client that does not
// encode them fails.
func (c cursor) token() string {
	for salt := uint16(0); ; salt++ {
		b := make([]byte, tokenPrefixBytes, 64)
		b[tokenPrefixBytes-1] = 1
		b = binary.BigEndian.AppendUint16(b, salt)
		var place []byte
		place = binary.BigEndian.AppendUint32(place, uint32(c.offset))
		place = binary.BigEndian.AppendUint32(place, uint32(c.page))
		place = append(place, c.filters...)
		b = append(b, masked(b, place)...)
		sum := sha256.Sum256(b)
		b = append(b, sum[:tokenHashBytes]...)
		if s := base64.StdEncoding.EncodeToString(b); strings.Contains(s, "+") && strings.Contains(s, "/") {
			return s
		}
	}
}

// openToken decodes a token. It reports false for a text that token did not
// return.
func openToken(s string) (cursor, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	const head = tokenPrefixBytes + tokenSaltBytes
	if err != nil || len(b) < head+8+tokenHashBytes {
		return cursor{}, false
	}
	b, hash := b[:len(b)-tokenHashBytes], b[len(b)-tokenHashBytes:]
	sum := sha256.Sum256(b)
	if string(sum[:tokenHashBytes]) != string(hash) {
		return cursor{}, false
	}
	place := masked(b[:head], b[head:])
	return cursor{
		offset:  int(binary.BigEndian.Uint32(place)),
		page:    int(binary.BigEndian.Uint32(place[4:])),
		filters: string(place[8:]),
	}, true
}

// masked returns b XORed with a stream derived from head, so that tokens are
// opaque and differ from each other. Applied twice it returns b.
func masked(head, b []byte) []byte {
	out := make([]byte, len(b))
	var stream [sha256.Size]byte
	for i := range b {
		if i%sha256.Size == 0 {
			stream = sha256.Sum256(binary.BigEndian.AppendUint32(append([]byte{}, head...), uint32(i)))
		}
		out[i] = b[i] ^ stream[i%sha256.Size]
	}
	return out
}
