package cloud

import (
	"crypto/subtle"
	"maps"
	"net/http"
	"time"
)

// key returns the key of an access key id.
func (c *Server) key(id string) (Key, *apiError) {
	keys := c.Keys
	if keys == nil {
		keys = map[string]Key{"emulator": {Secret: "emulator-secret"}}
	}
	key, ok := keys[id]
	if !ok {
		return Key{}, refuse(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	}
	return key, nil
}

// checkSecurityToken checks that a request has the token of a temporary key,
// and none with any other key. Whether the token is signed is checked with the
// signature.
func checkSecurityToken(key Key, token string) *apiError {
	switch {
	case key.SecurityToken != "" && token == "":
		return refuse(http.StatusBadRequest, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case key.SecurityToken == "" && token != "":
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey: this key is not a temporary one.")
	case subtle.ConstantTimeCompare([]byte(key.SecurityToken), []byte(token)) != 1:
		return refuse(http.StatusBadRequest, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
	}
	return nil
}

// checkDate checks that the date of a request is near now.
func checkDate(name, date string, now time.Time) *apiError {
	if date == "" {
		return refuse(http.StatusBadRequest, "MissingTimestamp", "%s is mandatory for this action.", name)
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", date)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted: %s is %q, want 2006-01-02T15:04:05Z.", name, date)
	}
	if now.Sub(t).Abs() > maxClockSkew {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired: %s is %s, it is %s.", name, date, now.UTC().Format("2006-01-02T15:04:05Z"))
	}
	return nil
}

// useNonce refuses a nonce that was used before. A nonce is remembered for as
// long as the date of a request that carries it can be valid.
func (c *Server) useNonce(name, id, nonce string, now time.Time) *apiError {
	if nonce == "" {
		return refuse(http.StatusBadRequest, "MissingSignatureNonce", "%s is mandatory for this action.", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nonces == nil {
		c.nonces = map[string]map[string]time.Time{}
	}
	used := c.nonces[id]
	if used == nil {
		used = map[string]time.Time{}
		c.nonces[id] = used
	}
	maps.DeleteFunc(used, func(_ string, t time.Time) bool { return now.Sub(t) > 2*maxClockSkew })
	if _, seen := used[nonce]; seen {
		return refuse(http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	used[nonce] = now
	return nil
}
