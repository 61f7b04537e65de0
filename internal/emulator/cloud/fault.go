package cloud

import "net/http"

// Fault replaces the response to the requests that it matches.
type Fault struct {
	Action  string           // empty means any
	Region  string           // BizRegionId; empty means any, "-" means only queries without one
	Page    int              // 1-based page; 0 means any
	Times   int              // how often the fault occurs; 0 means always
	Respond http.HandlerFunc // responds instead of the service; nil means 503 ServiceUnavailable
}

// fault returns the response of the first fault that matches and has not yet
// occurred Times times, or nil.
func (c *Server) fault(action, region string, page int) http.HandlerFunc {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.Faults {
		if f.Action != "" && f.Action != action ||
			f.Region == "-" && region != "" ||
			f.Region != "" && f.Region != "-" && f.Region != region ||
			f.Page != 0 && f.Page != page ||
			f.Times > 0 && c.hits[i] >= f.Times {
			continue
		}
		if c.hits == nil {
			c.hits = map[int]int{}
		}
		c.hits[i]++
		if f.Respond == nil {
			return APIError(http.StatusServiceUnavailable, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
		}
		return f.Respond
	}
	return nil
}
