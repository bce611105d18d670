#!/usr/bin/env bash
# make run: installs what is missing, builds, indexes a folder and serves the dashboard.
#   MEDIA        the folder to index (the sample media, when not given)
#   PORT         where to serve, on the loopback address (8080)
#   RUSHES_HOME  where catalogue and previews are kept (.rushes-demo here for the sample media,
#                else the platform's data folder)
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
. scripts/settings.sh

media=${MEDIA:-}
port=${PORT:-8080}
say() { printf '\n==> %s\n' "$*"; }

if [[ -n $media ]]; then
    [[ $media == /* ]] || media=$here/$media
    if [[ ! -d $media ]]; then
        echo "MEDIA: $media is not a folder. Give an existing one: make run MEDIA=/some/folder" >&2
        exit 2
    fi
    # Given but empty means not given.
    [[ -n ${RUSHES_HOME:-} ]] || unset RUSHES_HOME
else
    media=$PWD/samples/media
    export RUSHES_HOME=${RUSHES_HOME:-$PWD/.rushes-demo}
fi
if [[ ! $port =~ ^[0-9]{1,5}$ || $port -gt 65535 ]]; then
    echo "PORT: '$port' is not a port. Give a number up to 65535: make run PORT=8081" >&2
    exit 2
fi

need_cargo
say "System packages"
scripts/system-packages.sh build

say "Building rushes in release (a few minutes the first time)"
cargo build --locked --release --bin rushes
rushes=$target_dir/release/rushes

say "Indexing $media"
scanned=0
"$rushes" scan -- "$media" || scanned=$?
if [[ $scanned -eq 1 ]]; then
    echo "Some files could not be read: they are listed above, and the rest is in the catalogue."
elif [[ $scanned -ne 0 ]]; then
    exit "$scanned"
fi

say "Serving the dashboard; Ctrl-C stops it"
exec "$rushes" serve --bind "127.0.0.1:$port"
