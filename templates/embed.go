// Package templates embeds what is rendered: the parts of a message, the page
// with its style and script, the page of the preview, and the message
// catalogues.
package templates

import "embed"

// Files holds message.tmpl, one <channel>.tmpl where a channel differs, the
// pages, and locale/<language>.json.
//
//go:embed *.tmpl page.html error.html history.html preview.html page.css page.js locale/*.json
var Files embed.FS
