#!/bin/sh
# Installs the Debian packages that are missing, and only those.
#   scripts/setup.sh            what `make` needs
#   scripts/setup.sh test       and what the tests need
#   scripts/setup.sh fuzz       and what the fuzz targets need
# Rust is scripts/engine.sh's business.
set -eu

packages="build-essential meson ninja-build pkg-config cmake libuv1-dev libsodium-dev libjansson-dev libxxhash-dev libcmocka-dev"
case ${1-} in
  test) packages="$packages python3 python3-venv" ;;
  fuzz) packages="$packages clang" ;;
esac

is_there() {
  case $1 in
    build-essential) command -v cc >/dev/null && command -v make >/dev/null ;;
    meson|cmake|clang|python3) command -v "$1" >/dev/null ;;
    ninja-build) command -v ninja >/dev/null ;;
    pkg-config) command -v pkg-config >/dev/null ;;
    libuv1-dev) pkg-config --exists libuv ;;
    libsodium-dev) pkg-config --exists libsodium ;;
    libjansson-dev) pkg-config --exists jansson ;;
    libxxhash-dev) pkg-config --exists libxxhash ;;
    libcmocka-dev) pkg-config --exists cmocka ;;
    python3-venv) python3 -c 'import ensurepip, venv' ;;
  esac 2>/dev/null
}

missing=
for package in $packages; do
  is_there "$package" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "missing:$missing (Debian's names); please install them" >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  echo "missing; please install as root: apt-get install$missing" >&2
  exit 1
fi
echo "installing:$missing" >&2
# shellcheck disable=SC2086 # the words are to be split
{
  $as_root apt-get update -q
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
} >&2
