package chat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// misspelt are forms of ids that mention no one, with what to write instead. The
// first that matches counts. Some of them could be ids of WeCom, which has hardly
// any rules.
var misspelt = []struct {
	form   lazyRegexp
	advice string
}{
	{pattern(`^<`), "write the id without < > and @"},
	{pattern(`^@`), "chats mention people by an id, not by a name with @"},
	{pattern(`^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$`), "chats mention people by an id, not by an e-mail address"},
	{pattern(`^[uws][0-9][a-z0-9]{5,}$`), "the ids of Slack are in upper case"},
}

// CheckMentions returns a warning for each id of mentions, the setting MENTIONS,
// that has the form of no channel's user ids or looks misspelt. It returns none if
// there are no channels.
func CheckMentions(mentions map[string][]string, channels []*Channel) (warnings []string) {
	if len(channels) == 0 {
		return nil
	}
	for _, owner := range slices.Sorted(maps.Keys(mentions)) {
		for _, id := range mentions[owner] {
			if why := unusable(id, channels); why != "" {
				warnings = append(warnings, fmt.Sprintf("MENTIONS: %q of %q may mention nobody: %s", id, owner, why))
			}
		}
	}
	return warnings
}

// unusable returns why no channel mentions anyone by an id, or "".
func unusable(id string, channels []*Channel) string {
	inWeCom := false
	var names []string
	for _, c := range channels {
		names = append(names, c.name)
		if c.isPerson(id) {
			if inWeCom = c.name == "wecom"; !inWeCom {
				return ""
			}
		}
	}
	for _, m := range misspelt {
		if m.form.MatchString(id) {
			return m.advice
		}
	}
	if inWeCom {
		return ""
	}
	return "no configured channel has ids of this form; configured: " + strings.Join(names, ", ")
}
