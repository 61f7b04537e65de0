package chat

import "time"

// rate is the recent use of one webhook.
type rate struct {
	times        []time.Time
	blockedUntil time.Time
}

// overLimit counts a message and reports whether it exceeds limit messages
// within the window. If so, the robot is blocked for the pause.
func (s *Server) overLimit(robot string, now time.Time, limit int, window, pause time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rates == nil {
		s.rates = map[string]*rate{}
	}
	seen := s.rates[robot]
	if seen == nil {
		seen = &rate{}
		s.rates[robot] = seen
	}
	if now.Before(seen.blockedUntil) {
		return true
	}
	for len(seen.times) > 0 && now.Sub(seen.times[0]) >= window {
		seen.times = seen.times[1:]
	}
	if len(seen.times) >= limit {
		seen.blockedUntil = now.Add(pause)
		return true
	}
	seen.times = append(seen.times, now)
	return false
}
