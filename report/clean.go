package report

import "github.com/tocsin-project/tocsin/terminal"

// Clean makes text from an event safe to print on a terminal (terminal.Clean).
func Clean(s string) string { return terminal.Clean(s) }

// Shorten cuts text to at most width characters, the last of them an ellipsis.
func Shorten(s string, width int) string { return terminal.Shorten(s, width) }
