#!/bin/sh
# Starts Portcullis for the load comparison, in the foreground; run.sh calls it for each run, with the
# variables that ../README.md lists. Everything it writes goes to $BENCH_RUN.
#
# PORTCULLIS names another binary; without it the newest build of this repository with optimisation.
set -eu
: "${BENCH_LISTEN:?}" "${BENCH_UPSTREAM:?}" "${BENCH_PKI:?}" "${BENCH_RUN:?}"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

binary=${PORTCULLIS:-$(ls -t "$target/dist/portcullis" "$target/release/portcullis" 2>/dev/null | head -n 1)}
[ -x "$binary" ] || {
    echo 'start.sh: no build with optimisation here: cargo build --profile dist --locked' >&2
    exit 1
}

# Each run begins with an empty record: the one before has been looked at.
rm -rf "$BENCH_RUN/state" "$BENCH_RUN/policies"
umask 077
mkdir -p "$BENCH_RUN/state/audit"
cp -R "$here/policies" "$BENCH_RUN/policies"

# One house for each token of the load generator, and as many doors as it has names for.
directory() {
    awk 'BEGIN {
        print "version: 1"
        print "tenants:"
        print "  - id: bench"
        print "    houses:"
        for (house = 0; house < 10000; house++) {
            printf "      - {id: house-%06d, doors: [", house
            for (door = 0; door < 17; door++) printf "%sdoor-%02d", door ? ", " : "", door
            print "]}"
        }
    }'
}
[ -s "$BENCH_RUN/directory.yaml" ] || directory >"$BENCH_RUN/directory.yaml"

sed -e "s|@LISTEN@|$BENCH_LISTEN|g" -e "s|@UPSTREAM@|$BENCH_UPSTREAM|g" \
    -e "s|@PKI@|$BENCH_PKI|g" -e "s|@RUN@|$BENCH_RUN|g" \
    "$here/gateway.yaml.in" >"$BENCH_RUN/gateway.yaml"

exec "$binary" run --config "$BENCH_RUN/gateway.yaml"
