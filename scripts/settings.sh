# Sourced by the scripts beside it: where things are built, and what every step shares.
# One target folder, one profile per command and no extra features, so that nothing builds twice.
# shellcheck shell=bash

rushes_cache=${XDG_CACHE_HOME:-$HOME/.cache}/rushes
if [[ -n ${CI:-} ]]; then
    # A fresh clone each time: what an earlier run built is in the cache folder.
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$rushes_cache/target}
    export CARGO_INCREMENTAL=0
    export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
fi
# shellcheck disable=SC2034  # for the scripts that source this
target_dir=${CARGO_TARGET_DIR:-$PWD/target}

need_cargo() {
    command -v cargo >/dev/null && return 0
    echo "No cargo found. Install a Rust toolchain (https://rustup.rs), then run this again." >&2
    return 1
}

# Sets `maturin` to the program that builds the Python package, fetched once by this interpreter.
need_maturin() {
    local version=1.16.0
    local folder=$rushes_cache/tools/maturin-$version
    maturin=$folder/bin/maturin
    "$maturin" --version >/dev/null 2>&1 ||
        "$1" -m pip install --quiet --no-deps --upgrade --target "$folder" "maturin==$version"
}

# Exports RUSHES_ASCMHL: the reference implementation of ASC MHL, which the tests of hash lists run,
# fetched once. Without the parts that its own command asks the network with.
need_ascmhl() {
    local python=${RUSHES_PYTHON:-python3}
    export RUSHES_ASCMHL=$rushes_cache/tools/ascmhl-1.2
    PYTHONPATH=$RUSHES_ASCMHL "$python" -c 'import ascmhl.commands' 2>/dev/null ||
        PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
            "$python" -m pip install --quiet --no-deps --only-binary :all: --upgrade --target "$RUSHES_ASCMHL" \
            ascmhl==1.2 click==8.1.8 lxml==6.1.3 pathspec==1.1.1 python-dateutil==4.0.0 xxhash==4.1.0 || {
        echo 'ascmhl could not be had from the package registry; the tests that run it say so'
        return 3
    }
}
