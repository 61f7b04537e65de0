package chat

import "time"

// rate is how often something was done lately.
type rate struct {
	times   []time.Time
	blocked time.Time // until then
}

// tooFast counts one more post to a robot. It is true when there were limit of
// them within the window already; the robot is then blocked for the pause.
func (r *Server) tooFast(robot string, now time.Time, limit int, window, pause time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rates == nil {
		r.rates = map[string]*rate{}
	}
	seen := r.rates[robot]
	if seen == nil {
		seen = &rate{}
		r.rates[robot] = seen
	}
	if now.Before(seen.blocked) {
		return true
	}
	for len(seen.times) > 0 && now.Sub(seen.times[0]) >= window {
		seen.times = seen.times[1:]
	}
	if len(seen.times) >= limit {
		seen.blocked = now.Add(pause)
		return true
	}
	seen.times = append(seen.times, now)
	return false
}
