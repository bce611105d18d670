#!/usr/bin/env bash
# make test: every check, in the order that finds mistakes soonest. A failed step does not keep
# the later ones from running. A step that cannot run here says so and counts as skipped.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/settings.sh
need_cargo || exit 1

hang_secs=${RUSHES_TEST_HANG_SECS:-3000}
cannot_run=3 # the exit code of a step that was skipped
passed=0 failed=0 skipped=0
summary=()

step() { # TITLE COMMAND...
    local title=$1 started=$SECONDS code=0 word
    shift
    printf '\n==> %s\n' "$title"
    "$@" || code=$?
    case $code in
        0) word=passed passed=$((passed + 1)) ;;
        "$cannot_run") word=SKIPPED skipped=$((skipped + 1)) ;;
        *) word=FAILED failed=$((failed + 1)) ;;
    esac
    summary+=("$(printf '%-8s %5d s  %s' "$word" "$((SECONDS - started))" "$title")")
    return "$code"
}

close() {
    printf '\n==> Summary\n'
    printf '%s\n' "${summary[@]}"
    printf 'steps: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [[ $failed -eq 0 ]]
    exit
}

# Exit codes of cargo and rustfmt above 1 are failures, whatever number they have.
# shellcheck disable=SC2317  # called through step
strictly() { "$@" || return 1; }
# shellcheck disable=SC2317  # called through step
documentation() { RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet; }

step 'System packages' strictly scripts/system-packages.sh build test || close
# Only sudo, above, may ask anything.
exec </dev/null
step 'Formatting' strictly cargo fmt --check
step 'Dependency direction: does the check find planted arrows' strictly scripts/check-dependencies --self-test
step 'Dependency direction' strictly scripts/check-dependencies
step 'Licences, bans, sources, advisories' scripts/licences.sh
step 'Lints' strictly cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
step 'Documentation' strictly documentation
step 'Reference implementation of ASC MHL' need_ascmhl
# The same artefacts that `cargo test` and the browser test ask for: nothing builds twice.
if step 'Build' strictly cargo build --locked --workspace --bins --tests --quiet; then
    step 'Tests' strictly timeout --signal=TERM --kill-after=10 "$hang_secs" \
        cargo test --locked --workspace --no-fail-fast
    step 'Dashboard in a browser' scripts/browser-test.sh
    step 'Python package' scripts/python-test.sh -q
fi
close
