#!/bin/sh
# Says whether a run was worth measuring: each request that was answered with 200 stands in the audit log, with its
# intent and its outcome, and the planted bad requests stand there as refusals.
set -eu
: "${BENCH_RUN:?}" "${BENCH_ANSWERED:?}"
count() { cat "$BENCH_RUN"/state/audit/* | tr -d '\000' | grep -c "\"kind\":\"$1\"" || true; }

intents=$(count intent)
outcomes=$(count outcome)
refusals=$(count refusal)
echo "answered $BENCH_ANSWERED; recorded $intents intents, $outcomes outcomes, $refusals refusals"
[ "$intents" -ge "$BENCH_ANSWERED" ] && [ "$outcomes" -ge "$BENCH_ANSWERED" ] && [ "$refusals" -ge 2 ]
