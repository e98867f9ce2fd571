#!/bin/sh
# Starts two small web services, one that stays healthy and one that fails and
# recovers every few seconds, and the agent on the definitions beside this file.
# Ends all three on INT, TERM and HUP, and when the agent ends.
#
#   run.sh [AGENT FLAPPY [agent arguments...]]
#
# AGENT and FLAPPY are the built programs; AGENT_BIN and FLAPPY_BIN say the same.
set -u

here=$(cd "$(dirname "$0")" && pwd)
agent=${AGENT_BIN:-}
flappy=${FLAPPY_BIN:-}
if [ $# -ge 2 ]; then
    agent=$1
    flappy=$2
    shift 2
fi
for program in "$agent" "$flappy"; do
    if [ ! -x "$program" ]; then
        echo "run.sh: '$program' is not a program: give the agent and flappy, as built, or set AGENT_BIN and FLAPPY_BIN" >&2
        exit 2
    fi
done

pids=
end() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    for pid in $pids; do wait "$pid" 2>/dev/null; done
    pids=
}
trap end EXIT
# Only the agent is told; its end is the end of everything. A terminal tells it
# as well, which does no harm.
agent_pid=
trap 'if [ -n "$agent_pid" ]; then kill "$agent_pid" 2>/dev/null; else exit 130; fi' INT TERM HUP

"$flappy" -name steady -addr 127.0.0.1:9101 -failing-for 0s &
pids="$pids $!"
"$flappy" -name flappy -addr 127.0.0.1:9102 -healthy-for 4s -failing-for 4s &
pids="$pids $!"

# They answer at once, unless somebody else has their ports.
sleep 0.5
for pid in $pids; do
    kill -0 "$pid" 2>/dev/null || { echo "run.sh: a web service did not start: are ports 9101 and 9102 free?" >&2; exit 2; }
done

# In the background, so that the shell hears signals while it waits; the
# terminal stays the agent's standard output.
"$agent" -config-dir "$here/definitions" "$@" &
agent_pid=$!

# A signal ends a wait early; the agent's own end is what counts.
while :; do
    wait "$agent_pid"
    code=$?
    kill -0 "$agent_pid" 2>/dev/null || break
done
exit "$code"
