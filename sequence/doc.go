// Package sequence joins the hits of a rule that share a join key into matches:
// sequences with maxspan, until, missing events and runs, and samples, with the
// results of Elasticsearch's EQL (python-eql's successor).
//
// The order of the hits is their (Time, Tie); when they arrive plays no part.
// There are three ways to join, over one state machine:
//
//   - Join is the pure function: the sorted hits of one key in, matches out.
//   - Stream is the same, one hit at a time, for keys whose hits do not fit in
//     memory. What it holds is stated there.
//   - Joiner takes hits of any key in any arrival order and says which matches
//     came and which went.
//
// # The state machine
//
// A key has one slot per positive stage but the last. An event walks the stages
// it satisfies from the last to the first: at the first stage it becomes a new
// partial in slot 0, replacing the one there; at a later stage it takes the
// partial out of the slot before, whether or not maxspan then rejects it, and
// moves it on, replacing what stood in the next slot. So the newest partial
// wins, nothing fans out, one event may complete an older partial and start a
// new one, and an event never follows itself. An event that satisfies `until`
// then empties all slots of its key. Stages `![…]` take no part: a completed
// candidate is checked against their hits afterwards (see missing.go).
//
// Two facts follow on which the streaming forms rest. Partials keep the order of
// their first events from slot to slot, so the first events of completed
// candidates never go back in time. And what becomes of a partial depends on no
// hit before its first event: a change at time t touches only matches whose
// first event is at or after t minus maxspan.
package sequence
