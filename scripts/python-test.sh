#!/usr/bin/env bash
# Builds the Python package's wheel, installs it into a clean virtual environment, and runs its tests
# there; and checks how its Python is formatted.
#   RUSHES_PYTHON  the interpreter, 3.11 or newer (python3)
# Arguments go to pytest. With --stubs as the only one, writes the stubs and docs/reference.md
# instead of testing.
# Exit 0: passed. 3: cannot run here, and says why. Else: failed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/settings.sh

package=crates/rushes-python
python=${RUSHES_PYTHON:-python3}
# What the package needs, and what the tests do; the second row reads what it writes.
tools=(numpy==2.4.6 pytest==9.2.0 mypy==2.4.1 ruff==0.17.6 hypothesis==6.170.15
    pillow==13.0.0 opencv-python-headless==5.0.0.93 soundfile==0.14.0 zarr==3.1.6 matplotlib==3.11.2
    ipython==9.18.1)
hang_secs=600
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
skip() {
    echo "python test: SKIPPED: $*"
    exit 3
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    skip "Python 3.11 or newer is needed: set RUSHES_PYTHON to one"
tag=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# Prebuilt programs, fetched once.
need_maturin "$python" || skip "maturin could not be had from the package registry"
wheels=$rushes_cache/tools/python-$tag-$(printf '%s\n' "${tools[@]}" | sha256sum | cut -c1-12)
if [[ ! -f $wheels/complete ]]; then
    "$python" -m pip download --quiet --only-binary :all: --dest "$wheels" "${tools[@]}" ||
        skip "numpy, pytest, mypy and what reads files back could not be had from the package registry"
    touch "$wheels/complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The command to compare with: built already in `make test`.
cargo build --locked --workspace --bins --tests --quiet
cp "$target_dir/debug/rushes" "$work"
# The same profile and target folder as every other step, so that only this crate is built here.
"$maturin" build --quiet --locked --profile dev --interpreter "$python" \
    --compression-level 1 --manifest-path "$package/Cargo.toml" --target-dir "$target_dir" --out "$work/wheel"

"$python" -m venv --without-pip "$work/environment"
"$python" -m pip --python "$work/environment/bin/python" install --quiet --no-index \
    --find-links "$wheels" "${tools[@]%%==*}" "$work"/wheel/rushes-*.whl

if [[ $* == --stubs ]]; then
    "$work/environment/bin/python" "$package/stubs.py"
    "$work/environment/bin/python" "$package/reference.py"
    echo "python test: the stubs and the reference are written; run this again without --stubs"
    exit
fi
code=0
cd "$package"
"$work/environment/bin/ruff" format --check --quiet --no-cache . || {
    echo "python test: not as ruff format writes it; see above"
    code=1
}
RUSHES_COMMAND=$work/rushes PYTHONDONTWRITEBYTECODE=1 \
    timeout --signal=TERM --kill-after=10 "$hang_secs" \
    "$work/environment/bin/python" -m pytest "$@" || code=1
exit "$code"
