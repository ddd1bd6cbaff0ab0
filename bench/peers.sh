#!/bin/sh
# Runs rsigma, evtx_dump and python-eql beside tocsin over one recording, on one
# core, for docs/performance.md. Nothing of theirs is kept here: rules are made
# up by this script, and each tool is used where it is installed.
#
#   cargo install rsigma --locked; cargo install evtx; pip install eql
#   sh bench/peers.sh TOCSIN RECORDING.ndjson [RECORDING.evtx]
#
# Environment: CORE (0), ROUNDS (3), PEERS (a folder of programs, first in PATH),
# PYTHON (python3), RULES (a rule file or folder for `tocsin`, instead of made-up ones).
set -eu
tocsin=$1 ndjson=$2 evtx=${3:-}
core=${CORE:-0} rounds=${ROUNDS:-3} python=${PYTHON:-python3}
[ -z "${PEERS:-}" ] || PATH=$PEERS:$PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# rules N DIR: N Sigma rules and N strategies that look for the same: a process
# name, a part of its command line, the end of its parent's path.
rules() {
	mkdir -p "$dir/sigma$1" "$dir/eql$1"
	i=0
	while [ $i -lt "$1" ]; do
		cat >"$dir/sigma$1/r$i.yml" <<EOF
title: Made-up rule $i
id: 00000000-0000-4000-8000-$(printf %012d $i)
status: test
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '\\tool$i.exe'
    CommandLine|contains: ['-arg$i', '/run$i']
  filter:
    ParentImage|endswith: '\\parent$i.exe'
  condition: selection and not filter
level: medium
EOF
		cat >"$dir/eql$1/r$i.md" <<EOF
# Made-up rule $i

## Goal

To be measured.

## Technical Context

\`\`\`eql
process where event.type == "start" and process.executable : "*\\\\tool$i.exe" and
  process.command_line : ("*-arg$i*", "*/run$i*") and not process.parent.executable : "*\\\\parent$i.exe"
\`\`\`
EOF
		i=$((i + 1))
	done
}

# measure NAME COMMAND…: the best of the rounds, seconds of processor and wall.
measure() {
	name=$1
	shift
	best=
	r=0
	while [ $r -lt "$rounds" ]; do
		/usr/bin/time -o "$dir/time" -f '%U %S %e %M' taskset -c "$core" "$@" >"$dir/out" 2>"$dir/err" || true
		line=$(tail -1 "$dir/time" | awk '{printf "%.2f %.2f %d", $1 + $2, $3, $4 / 1024}')
		best=$(printf '%s\n%s\n' "$line" "$best" | grep . | sort -n | head -1)
		r=$((r + 1))
	done
	echo "$best" | awk -v name="$name" -v n="$events" \
		'{printf "%-44s %7.2f s cpu %7.2f s wall %6d MiB %9.0f events/s of cpu\n", name, $1, $2, $3, n / ($1 > 0 ? $1 : 0.01)}'
}

has() { command -v "$1" >/dev/null 2>&1; }

events=$(wc -l <"$ndjson")
echo "$ndjson: $events events, core $core, best of $rounds"
for n in 1 100 1000; do
	rules $n
	measure "tocsin scan, $n rules" "$tocsin" scan --jobs 1 --strategies "$dir/eql$n" -o ndjson "$ndjson"
	! has rsigma || measure "rsigma eval, $n rules" rsigma engine eval -q --no-stats --rules "$dir/sigma$n" --event "@$ndjson"
done
if [ -n "${RULES:-}" ]; then
	measure "tocsin scan, $(basename "$RULES")" "$tocsin" scan --jobs 1 --strategies "$RULES" -o ndjson "$ndjson"
fi
if "$python" -c 'import eql' 2>/dev/null; then
	"$tocsin" normalize "$ndjson" | head -20000 >"$dir/ecs.ndjson"
	events=$(wc -l <"$dir/ecs.ndjson")
	echo "the first $events events, normalised"
	cat >"$dir/peer.py" <<'EOF'
import json, sys, eql
class Schema(eql.Schema): pass
n, path = int(sys.argv[1]), sys.argv[2]
rules = ['process where event.type == "start" and process.executable == "*\\\\tool%d.exe" and '
         '(process.command_line == "*-arg%d*" or process.command_line == "*/run%d*") and '
         'not process.parent.executable == "*\\\\parent%d.exe"' % (i, i, i, i) for i in range(n)]
engine = eql.PythonEngine()
with eql.Schema({}, allow_any=True, allow_generic=True):
    engine.add_queries([eql.parse_query(r, implied_any=True) for r in rules])
hits = 0
def hit(_):
    global hits
    hits += 1
engine.add_output_hook(hit)
kinds = lambda d: (d.get("event", {}).get("category") or ["generic"])[0]
with open(path) as f:
    for i, line in enumerate(f):
        d = json.loads(line)
        engine.stream_event(eql.Event(kinds(d), i, d))
engine.finalize()
EOF
	for n in 1 100 1000; do
		measure "tocsin scan, $n rules" "$tocsin" scan --jobs 1 --strategies "$dir/eql$n" -o ndjson "$dir/ecs.ndjson"
		measure "python-eql, $n rules" "$python" "$dir/peer.py" $n "$dir/ecs.ndjson"
	done
fi
if [ -n "$evtx" ]; then
	events=$("$tocsin" normalize "$evtx" | wc -l)
	echo "$evtx: $events records"
	measure "tocsin scan, 1000 rules" "$tocsin" scan --jobs 1 --strategies "$dir/eql1000" -o ndjson "$evtx"
	[ -z "${RULES:-}" ] || measure "tocsin scan, $(basename "$RULES")" "$tocsin" scan --jobs 1 --strategies "$RULES" -o ndjson "$evtx"
	! has rsigma || measure "rsigma eval, 1000 rules" rsigma engine eval -q --no-stats --rules "$dir/sigma1000" --event "@$evtx"
	! has evtx_dump || measure "evtx_dump, to JSON only" evtx_dump -t 1 -o jsonl "$evtx"
fi
