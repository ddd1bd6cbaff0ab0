//go:build !unix

package bench

import "time"

var started = time.Now()

// processorTime is the time on the wall where the system does not tell it apart.
func processorTime() float64 { return time.Since(started).Seconds() }
