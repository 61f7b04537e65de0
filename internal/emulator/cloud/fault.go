package cloud

import "net/http"

// Fault is something that goes wrong with the requests that it matches.
type Fault struct {
	Action string           // empty: any
	Region string           // BizRegionId; empty: any; "-": only queries without one
	Page   int              // 1-based page of the token chain; 0: any
	Times  int              // how often it strikes; 0: always
	Answer http.HandlerFunc // nil: 503 ServiceUnavailable
}

// fault is the answer of the first fault that matches and has not struck its
// number of times, nil if there is none.
func (c *Server) fault(action, region string, page int) http.HandlerFunc {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.Faults {
		if f.Action != "" && f.Action != action ||
			f.Region == "-" && region != "" ||
			f.Region != "" && f.Region != "-" && f.Region != region ||
			f.Page != 0 && f.Page != page ||
			f.Times > 0 && c.struck[i] >= f.Times {
			continue
		}
		if c.struck == nil {
			c.struck = map[int]int{}
		}
		c.struck[i]++
		if f.Answer == nil {
			return APIError(http.StatusServiceUnavailable, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
		}
		return f.Answer
	}
	return nil
}
