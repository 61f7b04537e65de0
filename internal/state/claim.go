package state

import (
	"errors"
	"slices"
	"time"
)

// A Claim is the announcement of a run that it is about to send an event to
// channels, with what became of it.
type Claim struct {
	Event    string             `json:"event"`
	Run      string             `json:"run"`
	Channels []string           `json:"channels"`
	At       time.Time          `json:"at"`
	Until    time.Time          `json:"until"` // no request to a chat goes on after that
	Outcomes map[string]Outcome `json:"outcomes,omitempty"`
}

// An Outcome is what became of a report in a channel.
type Outcome string

const (
	Delivered Outcome = "delivered"
	Uncertain Outcome = "uncertain" // the channel may have accepted it
	Failed    Outcome = "failed"    // the channel did not accept it
	Quiet     Outcome = "quiet"     // there was no reason to send it
)

// ErrBusy is the error of a run that may not send yet, because another run may
// still be sending the same event, and that has no time to wait. The platform
// should retry it.
var ErrBusy = errors.New("another run may still be sending this event")

const (
	// clockSkew is how much the clocks of two instances may differ.
	clockSkew = 10 * time.Second
	// claimsFor is how long claims are kept: the platform retries no event
	// after that.
	claimsFor = 7 * 24 * time.Hour
	maxClaims = 1000
)

// settled reports whether an event needs not be sent to a channel any more.
func settled(claims []Claim, event, channel string) bool {
	return slices.ContainsFunc(claims, func(c Claim) bool {
		o := c.Outcomes[channel]
		return c.Event == event && (o == Delivered || o == Uncertain || o == Quiet)
	})
}

// lacking returns the channels that an event must still be sent to.
func lacking(claims []Claim, event string, channels []string) (rest []string) {
	for _, ch := range channels {
		if !settled(claims, event, ch) {
			rest = append(rest, ch)
		}
	}
	return rest
}

// pending returns the claim of another run that may still be sending to one of
// channels, and which ends last. A claim of the same event takes precedence.
func pending(claims []Claim, run, event string, channels []string, now time.Time) (last Claim, found bool) {
	for _, c := range claims {
		live := c.Run != run && now.Before(c.Until.Add(clockSkew)) && slices.ContainsFunc(c.Channels, func(ch string) bool {
			return c.Outcomes[ch] == "" && slices.Contains(channels, ch)
		})
		if !live {
			continue
		}
		same, sameLast := c.Event == event, last.Event == event
		if !found || same && !sameLast || same == sameLast && c.Until.After(last.Until) {
			last, found = c, true
		}
	}
	return last, found
}

// recentClaims returns the claims that a record at that time still holds.
func recentClaims(claims []Claim, now time.Time) []Claim {
	recent := slices.DeleteFunc(slices.Clone(claims), func(c Claim) bool { return now.Sub(c.At) > claimsFor })
	return recent[max(0, len(recent)-maxClaims):]
}
