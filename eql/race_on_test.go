//go:build race

package eql

// raceEnabled: the race detector makes sync.Pool forget at random.
const raceEnabled = true
