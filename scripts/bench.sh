#!/usr/bin/env bash
# make bench: builds in release and measures Rushes against other programs, in one run.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/settings.sh
need_cargo
scripts/system-packages.sh build test bench
cargo build --locked --release --bin rushes
cargo build --locked --release -p rushes-store --example copy

tools=$rushes_cache/tools/bench
wanted=(av==15.1.0 'pyvips[binary]==3.2.0')
if [[ $(cat "$tools/.wanted" 2>/dev/null) != "${wanted[*]}" ]]; then
    echo "bench: getting ${wanted[*]}"
    rm -rf "$tools"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check \
        --target "$tools" "${wanted[@]}"
    echo "${wanted[*]}" >"$tools/.wanted"
fi
# The environment in which other libraries are measured, where it is: see benches/libraries.py.
peers=${PEERS_HOME:-$HOME/.cache/rushes-peers}/venv/bin/python
if [[ " $* " == *libraries* || $* != *--only* ]] && [[ -x $peers ]]; then
    need_maturin python3
    work=$(mktemp -d)
    "$maturin" build --quiet --release --locked --interpreter python3 --target-dir "$target_dir" \
        --manifest-path crates/rushes-python/Cargo.toml --out "$work"
    PIP_ROOT_USER_ACTION=ignore "$peers" -m pip install --quiet --disable-pip-version-check \
        --force-reinstall --no-deps "$work"/rushes-*.whl
    rm -rf "$work"
fi
PYTHONPATH=$tools${PYTHONPATH:+:$PYTHONPATH} exec python3 benches/run.py \
    --rushes "$target_dir/release/rushes" "$@"
