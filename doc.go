// Package tocsin is the root of a detection engine for Windows telemetry; see
// ARCHITECTURE.md for the packages below it and how an event goes through them.
package tocsin
