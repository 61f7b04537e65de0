package cloud

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// cursor is where a page begins, and for which query.
type cursor struct {
	offset, page int
	filters      string
}

const (
	tokenPrefixBytes = 4 // zeroes and a one, so that tokens begin like the documented AAAAAV3M…
	tokenSaltBytes   = 2
	tokenHashBytes   = 16
)

// token hides the cursor in text that always holds both a + and a /, as the
// service's tokens may: a client that does not encode them loses its place.
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

// openToken is the reverse of token. It is false for anything that token did
// not make.
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

// masked makes b unreadable, and readable again, with a stream that head
// decides, so that two tokens do not look alike.
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
