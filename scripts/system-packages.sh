#!/usr/bin/env bash
# Installs the system packages that Rushes needs and this machine lacks (Debian 12 and newer,
# Ubuntu 24.04 and newer).
#
#   scripts/system-packages.sh [--check] GROUP...
#
# Groups: build (compile Rushes), test (what `make test` runs beside cargo), samples (make the
# sample media again), bench (what `make bench` measures against). Without a group: build. --check
# only prints what is missing, and fails when something is. When nothing is missing, no root and no
# network is needed.
set -euo pipefail

# One need a line: GROUP, what proves that it is met, the package (first choice first).
#   cmd:NAME  the command is there                 pc:M    pkg-config knows the module M
#   file:GLOB a file is there                      deb     only the package itself will do
#   with:M:GLOB a file is there, or there is a pkg-config, and it does not know the module M
# libnuma: where there is an x265, libheif takes it and links what `pkg-config --static` names for it,
# libnuma too, which libx265-dev does not bring along. libturbojpeg is built inside its crate.
# A need that is met in another way than by its package (a compiler from elsewhere) is met.
needs='
build   cmd:cc                                  build-essential
build   cmd:c++                                 build-essential
build   cmd:make                                make
build   cmd:pkg-config                          pkg-config
build   cmd:clang                               clang
build   file:/usr/lib/llvm-*/lib/libclang*.so*  libclang-dev
build   cmd:cmake                               cmake
build   cmd:nasm                                nasm
build   cmd:git                                 git
build   pc:libavcodec                           libavcodec-dev
build   pc:libavformat                          libavformat-dev
build   pc:libavutil                            libavutil-dev
build   pc:libswscale                           libswscale-dev
build   pc:libswresample                        libswresample-dev
build   pc:libde265                             libde265-dev
build   pc:dav1d                                libdav1d-dev
build   pc:aom                                  libaom-dev
build   with:x265:/usr/lib/*/libnuma.so         libnuma-dev
test    cmd:ffprobe                             ffmpeg
test    cmd:exiftool                            libimage-exiftool-perl
test    cmd:mediainfo                           mediainfo
test    cmd:heif-convert                        libheif-examples
test    cmd:avifdec                             libavif-bin
test    cmd:djxl                                libjxl-tools
test    cmd:node                                nodejs
test    cmd:npm                                 npm
test    cmd:strace                              strace
test    cmd:python3                             python3
test    cmd:pip3                                python3-pip
test    cmd:Xvfb                                xvfb
test    cmd:xdotool                             xdotool
test    file:/usr/lib/*/libX11-xcb.so.1         libx11-xcb1
test    file:/usr/lib/*/libXcursor.so.1         libxcursor1
test    file:/usr/lib/*/libXi.so.6              libxi6
test    file:/usr/lib/*/libxkbcommon-x11.so.0   libxkbcommon-x11-0
test    file:/usr/lib/*/libasound.so.2          libasound2|libasound2t64
test    file:/usr/include/linux/videodev2.h     linux-libc-dev
test    cmd:jq                                  jq
test    cmd:curl                                curl
samples cmd:ffmpeg                              ffmpeg
samples cmd:heif-enc                            libheif-examples
samples cmd:exiftool                            libimage-exiftool-perl
samples cmd:python3                             python3
bench   cmd:xxh128sum                           xxhash
'
browsers='chromium chromium-browser google-chrome-stable google-chrome'

say() { printf 'packages: %s\n' "$*"; }
complain() { printf 'packages: %s\n' "$*" >&2; }

is_met() { # PROOF PACKAGE
    local proof=$1 package=$2
    case $proof in
        cmd:*)
            command -v "${proof#cmd:}" >/dev/null && return 0
            ;;
        pc:*)
            command -v pkg-config >/dev/null && pkg-config --exists "${proof#pc:}" && return 0
            ;;
        with:*)
            proof=${proof#with:}
            # Without pkg-config, which then comes in the same go, nothing is known of the module.
            command -v pkg-config >/dev/null && ! pkg-config --exists "${proof%%:*}" && return 0
            compgen -G "${proof#*:}" >/dev/null && return 0
            ;;
        file:*)
            compgen -G "${proof#file:}" >/dev/null && return 0
            [[ $package == libclang-dev && -n ${LIBCLANG_PATH:-} ]] && return 0
            ;;
    esac
    is_installed "$package"
}

is_installed() { # A|B: one of these packages is installed
    local name
    command -v dpkg-query >/dev/null || return 1
    for name in ${1//|/ }; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] && return 0
    done
    return 1
}

has_browser() {
    [[ -n ${RUSHES_CHROMIUM:-} && -x ${RUSHES_CHROMIUM:-} ]] && return 0
    local name
    for name in $browsers; do command -v "$name" >/dev/null && return 0; done
    return 1
}

# Chromium is an ordinary package in Debian. In Ubuntu that package only calls snap, which works
# on a booted machine and nowhere else, so there it is left to the person.
add_browser() {
    has_browser && return 0
    local id=''
    [[ -r /etc/os-release ]] && id=$(. /etc/os-release && echo "${ID:-}")
    if [[ $id == ubuntu ]]; then
        complain "no Chromium or Chrome found, and Ubuntu has it only as a snap."
        complain "For the browser test: 'sudo snap install chromium', or install Google Chrome, or set"
        complain "RUSHES_CHROMIUM to a Chromium program. Without one the browser test is skipped."
    else
        missing+=(chromium)
    fi
}

# Older ones lack what channel layouts are told by; the compiler would say so at great length.
oldest_ffmpeg=5.1
oldest_libavcodec=59.37
has_ffmpeg() {
    [[ " ${groups[*]} " == *" build "* ]] || return 0
    pkg-config --atleast-version="$oldest_libavcodec" libavcodec && return 0
    complain "FFmpeg $oldest_ffmpeg or newer is needed (libavcodec $oldest_libavcodec), and this is" \
        "libavcodec $(pkg-config --modversion libavcodec)."
    complain "Debian has it from 12 on, Ubuntu from 23.04; or build it, and set PKG_CONFIG_PATH."
    return 1
}

check_only=false
groups=()
for word in "$@"; do
    case $word in
        --check) check_only=true ;;
        build | test | samples | bench) groups+=("$word") ;;
        *)
            complain "unknown word '$word': usage: system-packages.sh [--check] [build] [test] [samples] [bench]"
            exit 2
            ;;
    esac
done
[[ ${#groups[@]} -gt 0 ]] || groups=(build)

missing=()
while read -r group proof package; do
    [[ -n $group && " ${groups[*]} " == *" $group "* ]] || continue
    is_met "$proof" "$package" && continue
    [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
done <<<"$needs"
[[ " ${groups[*]} " != *" test "* ]] || add_browser

if [[ ${#missing[@]} -eq 0 ]]; then
    has_ffmpeg || exit 1
    $check_only || say "all there (${groups[*]})"
    exit 0
fi
if $check_only; then
    printf '%s\n' "${missing[@]}"
    exit 1
fi

first_choices=("${missing[@]%%|*}")
if ! command -v apt-get >/dev/null; then
    complain "missing here, under their Debian names: ${first_choices[*]}"
    complain "This system has no apt: install what it calls them, then run this again."
    exit 1
fi
as_root=()
if [[ $(id -u) -ne 0 ]]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
        as_root=(sudo)
    else
        complain "missing, and installing them needs root. Have somebody run:"
        complain "    apt-get update && apt-get install --no-install-recommends ${first_choices[*]}"
        exit 1
    fi
fi

has_candidate() {
    local candidate
    candidate=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
    [[ -n $candidate && $candidate != '(none)' ]]
}
choose() { # fills `wanted` with the first alternative of each that apt knows
    local entry name
    wanted=()
    unknown=()
    for entry in "${missing[@]}"; do
        for name in ${entry//|/ }; do
            has_candidate "$name" && { wanted+=("$name"); continue 2; }
        done
        unknown+=("${entry%%|*}")
    done
}
refresh() {
    say "reading the package lists"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
}
install_wanted() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"
}

choose
refreshed=false
if [[ ${#unknown[@]} -gt 0 ]]; then
    refresh
    refreshed=true
    choose
fi
if [[ ${#unknown[@]} -gt 0 ]]; then
    complain "apt knows no package for: ${unknown[*]}"
    complain "Enable the distribution's main (Ubuntu: also universe) section, then run this again."
    exit 1
fi
say "installing ${wanted[*]}"
if ! install_wanted; then
    # Lists older than the archive name files that are gone: one more try with new ones.
    $refreshed && exit 1
    refresh
    install_wanted
fi
has_ffmpeg || exit 1
say "installed"
