#!/bin/sh
# Says, while the gateway still serves, whether a run was worth measuring: the partner saw as many commands as there are
# intents and outcomes `done` on record and decisions counted, at least as many as were answered; and the planted bad
# requests are on record as refused.
set -eu
: "${BENCH_RUN:?}" "${BENCH_ANSWERED:?}" "${BENCH_FORWARDED:?}"
url=http://$(cat "$BENCH_RUN/ops")/metrics

records() { cat "$BENCH_RUN"/state/audit/* | tr -d '\000' >"$BENCH_RUN/records"; }
count() { grep -c "$1" "$BENCH_RUN/records" || true; }
allowed() {
    python3 -c 'import re, sys, urllib.request as u
text = u.urlopen(sys.argv[1], timeout=5).read().decode()
print(sum(int(n) for n in re.findall(r"(?m)^portcullis_decisions_total\{[^}]*result=\"allow\"[^}]*\} (\d+)$", text)))' "$url"
}

# What was still under way when the load ended is given a moment.
for attempt in 1 2 3; do
    records
    intents=$(count '"kind":"intent"')
    done=$(count '"kind":"outcome".*"state":"done"')
    refusals=$(count '"kind":"refusal"')
    decisions=$(allowed)
    told="answered $BENCH_ANSWERED, forwarded $BENCH_FORWARDED; $decisions decisions, $intents intents, $done done, $refusals refused"
    if [ "$intents" -ge "$BENCH_ANSWERED" ] && [ "$intents" -eq "$done" ] && [ "$intents" -eq "$decisions" ] &&
        [ "$intents" -eq "$BENCH_FORWARDED" ] && [ "$refusals" -ge 2 ]; then
        rm "$BENCH_RUN/records"
        echo "$told"
        exit 0
    fi
    sleep 0.3
done
echo "$told (attempt $attempt)"
exit 1
