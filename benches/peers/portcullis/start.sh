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

# Each run begins with an empty record. The store stays, as it does in life: who was seen in one run is known in the next.
# BENCH_STRANGERS=1 makes everybody a stranger again.
rm -rf "$BENCH_RUN/state/audit" "$BENCH_RUN/policies"
[ "${BENCH_STRANGERS:-0}" = 0 ] || rm -f "$BENCH_RUN"/state/store.sqlite*
umask 077
mkdir -p "$BENCH_RUN/state/audit" "$BENCH_RUN/keys"
cp -R "$here/policies" "$BENCH_RUN/policies"

# Keys of the gateway's own, which the peers have no use for.
for key in partner-token session; do
    [ -s "$BENCH_RUN/keys/$key.key" ] ||
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$BENCH_RUN/keys/$key.key" 2>/dev/null
done
for key in partner-signing checkpoint; do
    [ -s "$BENCH_RUN/keys/$key.key" ] || openssl genpkey -algorithm ed25519 -out "$BENCH_RUN/keys/$key.key"
done
for key in pseudonym store; do
    [ -s "$BENCH_RUN/keys/$key.key" ] || openssl rand -hex 32 >"$BENCH_RUN/keys/$key.key"
done

# One house for each token of the load generator, and as many doors as it has names for.
houses=$(wc -l <"$BENCH_PKI/tokens.txt")
directory() {
    awk -v houses="$houses" 'BEGIN {
        print "version: 1"
        print "revision: 1"
        print "tenants: [bench]"
        print "houses:"
        for (house = 0; house < houses; house++) {
            printf "  - {id: house-%06d, tenant: bench, zone: Europe/Moscow, partners: [upstream], doors: [", house
            for (door = 0; door < 17; door++) printf "%sdoor-%02d", door ? ", " : "", door
            print "]}"
        }
    }'
}
[ "$(grep -c 'zone: ' "$BENCH_RUN/directory.yaml" 2>/dev/null)" = "$houses" ] || directory >"$BENCH_RUN/directory.yaml"

# Metrics on a port of their own, which check.sh finds here.
ops=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "$ops" >"$BENCH_RUN/ops"

sed -e "s|@LISTEN@|$BENCH_LISTEN|g" -e "s|@UPSTREAM@|$BENCH_UPSTREAM|g" -e "s|@OPS@|$ops|g" \
    -e "s|@PKI@|$BENCH_PKI|g" "$here/gateway.yaml.in" >"$BENCH_RUN/gateway.yaml"

exec "$binary" run --config "$BENCH_RUN/gateway.yaml"
