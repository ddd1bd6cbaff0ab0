package simulate

import "math/rand/v2"

// kind says what an act is; the comment names the act's fields that it uses
// beside at, host and proc (who did it).
type kind uint8

const (
	processStart  kind = iota // proc: the new process
	processEnd                // proc: the one that ends
	connection                // conn
	disconnection             // conn
	logon                     // user, logon, logonType, conn (source address and port), name: package
	logoff                    // user, logon
	privileges                // user, logon
	serviceNew                // user, logon, name: service, path: image path, value: account
	serviceConfig             // user, name: service, old and value: start types, path: display name
	serviceState              // name: display name, value: state
	registrySet               // path: key below HKLM, name: value, value: data, old: data before (native), user, logon
	fileWrite                 // path
	imageLoad                 // path, value: signer, empty if unsigned
	pipeConnect               // name: pipe
	pipeCreate                // name: pipe
	shareAccess               // user, logon, conn, name: share
	shareFile                 // user, logon, conn, name: share, path: local path, value: relative name
	taskNew                   // user, logon, name: task, value: command
	dnsQuery                  // name: question, value: address
	kinds                     // how many there are
)

// act is one thing that happened on one host.
type act struct {
	kind kind
	at   int64 // when, by the host's clock
	lag  int64 // how much later Defend and Sysmon stamp it: both have been seen to put a connection after its effect
	host *host
	proc *process

	conn      conn
	user      *account
	logon     uint64
	logonType int

	name, path, value, old string

	logged int64 // when the sensor wrote it down; set when it leaves the queue
}

// conn is a connection as the host sees it: source is who opened it.
type conn struct {
	srcIP, dstIP     string
	srcPort, dstPort uint16
	udp, inbound     bool
}

// seen says which sensors report a kind of act: Defend, Sysmon or Native, whatever the form.
func (k kind) seen(s Source) bool {
	switch s {
	case Defend:
		switch k {
		case processStart, processEnd, connection, disconnection, logon, logoff, registrySet, fileWrite, imageLoad, dnsQuery:
			return true
		}
	case Sysmon:
		switch k {
		case processStart, processEnd, connection, registrySet, fileWrite, imageLoad, pipeConnect, pipeCreate, dnsQuery:
			return true
		}
	default:
		switch k {
		case processStart, processEnd, connection, logon, logoff, privileges, serviceNew, serviceConfig, serviceState,
			registrySet, shareAccess, shareFile, taskNew:
			return true
		}
	}
	return false
}

// delay is how long a sensor takes to log an act. Sysmon's network events were
// measured on public recordings: half within 1.2–1.9 s, a tenth after 5–11 s;
// its other events and the native logs take milliseconds.
func (k kind) delay(s Source, r *rand.Rand) int64 {
	const ms = 1_000_000
	switch {
	case s != Sysmon:
		return 0
	case k != connection:
		return (5 + r.Int64N(16)) * ms
	case r.IntN(10) == 0:
		return (5000 + r.Int64N(6000)) * ms
	default:
		return (1000 + r.Int64N(900)) * ms
	}
}

// add puts an act of the fleet's into the queue of each sensor that sees it.
func (g *Generator) add(a *act) {
	if !a.host.member {
		return
	}
	for _, s := range [...]Source{Defend, Sysmon, Native} {
		if !a.kind.seen(s) || !g.wants(s) {
			continue
		}
		at := a.at
		if s != Native {
			at += a.lag
		}
		c := *a // each sensor sets its own logged time
		g.queue.push(at-a.host.clock+a.kind.delay(s, g.rng), s, &c)
	}
}

// wants reports whether any form of a sensor's documents is to be written.
func (g *Generator) wants(sensor Source) bool {
	return g.active[sensor] || sensor != Defend && (g.active[sensor+1] || g.active[EVTX])
}
