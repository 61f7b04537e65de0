// Package message turns a report into a message for a chat or a terminal, in
// any language.
//
// It knows no chat service and no markup. [Compose] renders the parts of
// templates/message.tmpl, of <channel>.tmpl where there is one, and of an
// operator's own templates. Each part becomes lines of runs ([Line]), which a
// channel writes in its own markup. What a part can use is documented at
// [View], [Group], [Row] and [More]; values from outside are cleaned ([Clean])
// before a template gets them.
//
// Read message.go (the message), draft.go (how it is rendered and fitted to a
// limit), view.go (what templates use), groups.go and words.go (how that is made
// from a report), templates.go and line.go (how templates are parsed and
// executed), and text.go (the terminal).
package message

import (
	"io/fs"
	"time"

	"matrix-expiry-report/report"
)

// Options say what a message contains in addition to the report.
type Options struct {
	Language    string              // one of locale.Languages
	ConsoleURL  string              // where to renew; empty for no link
	ReportURL   string              // the full report; empty for no link
	RequestID   string              // of the run, for a report that failed
	Age         time.Duration       // since the data was read; shown from one second
	Regions     []string            // the only ones queried; empty for all
	Needing     int                 // findings before the report was filtered; 0 if it was not
	Test        bool                // the message is a test, without the report
	Undelivered bool                // the message lists the channels that did not get the report
	OwnerTag    string              // the tag that names a matrix's owner
	Mentions    map[string][]string // by owner: ids of people, as the channel calls them
	NoBar       bool                // leave out the bar of block characters
	Templates   fs.FS               // custom templates, by the names of the built-in ones; nil for none
}

// A Message is a rendered report.
type Message struct {
	Severity report.Severity // the worst; empty if nothing needs attention
	Failed   bool            // nothing could be read
	Title    string          // plain text
	Lead     []Line
	Groups   []Block
	More     []Line // what was left out; empty if nothing was
	Foot     []Line
	Mentions []string // ids of the people mentioned in Lead
}

// A Block is a heading with rows.
type Block struct {
	Severity report.Severity
	Heading  Line
	Rows     []Line
}

// Quiet reports whether the message has good news only.
func (m Message) Quiet() bool { return m.Severity == "" && !m.Failed }
