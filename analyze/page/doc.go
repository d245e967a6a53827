// Package page writes self-contained HTML pages: one file that asks nobody for
// anything, with a frame, tables that sort and charts that can be read out.
//
// The one idea: a page is a list of sections, each the answer to a question, and
// a section is a list of parts: text, facts, tables, charts. Who makes a page
// says what is in it; how it looks, on a phone, in the dark and on paper, is said
// once, in style.css.
//
// # Safety
//
// Names in a page come from traffic, so anybody may have chosen them. All text
// goes through html/template or, in charts, through one escape. What could
// change how text around it reads, such as controls and marks of writing
// direction, is written out (see [Visible]), and what is longer than a name can
// sensibly be is cut. The content security policy in the page's head allows this
// package's style and script by their hashes and nothing else: no request, no
// style attribute, no script that a name may have brought along.
//
// # Charts
//
// They are drawn here, as SVG of the page, after a trial of libraries with a
// stacked area of 8 series and 240 points (in brackets: when that version was
// made):
//
//	                                      binary   modules  SVG     style   hover
//	go-analyze/charts v0.6.1 (2026-08)    +2.1 MB  5        78 kB   fixed   none
//	gonum.org/v1/plot v0.17.0 (2025-09)   +7.7 MB  10       113 kB  fixed   none
//	wcharczuk/go-chart v2.1.2 (2024-08)   +1.0 MB  3        48 kB   fixed   none
//
// All three look good on paper and are made for pictures. Each writes its colours
// into every mark, on a white ground, so a page can't be dark by its style; style
// attributes would also have to be allowed by the policy. None has a title or a
// class on any mark, so nothing can be hovered, and none says to a screen reader
// what it is. Their text shrinks with the picture: on a phone it has 5 pixels.
// Charts here take colours from variables of the style, keep the size of text at
// any width, and give each mark its values as a <title>, which needs no script.
//
// # Where things are
//
//   - the frame: page.go, page.tmpl, style.css, script.js
//   - what a section may hold: parts.go, cases.go, table.go
//   - text and numbers of strangers: visible.go
//   - charts: over.go (over time), columns.go (histograms), bars.go (shares),
//     spans.go (what lasted from when to when); scale.go (ticks), svg.go (marks)
package page
