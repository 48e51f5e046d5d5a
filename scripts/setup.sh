#!/bin/sh
# Installs the Debian packages that are missing, and only those.
#   scripts/setup.sh            what `make` needs
#   scripts/setup.sh test       and what the tests need
#   scripts/setup.sh serve-test and what the server's tests with other people's clients need; those clients that cannot be
#                               installed are left out
#   scripts/setup.sh bench      and what the server is compared with
#   scripts/setup.sh fuzz       and what the fuzz targets need
# Rust is scripts/engine.sh's business.
set -eu

wanted= # what is left out where it cannot be had
packages="build-essential meson ninja-build pkg-config cmake libuv1-dev libsodium-dev libjansson-dev libxxhash-dev libcmocka-dev libtomlplusplus-dev libssl-dev libnghttp2-dev libc-ares-dev"
case ${1-} in
  test) packages="$packages python3 python3-venv clang lld wabt openssl curl" ;;
  serve-test) packages="$packages python3 clang lld wabt openssl curl" wanted="nghttp2-client wrk golang-go chromium" ;;
  bench) packages="$packages python3 clang lld wabt curl nghttp2-client wrk nginx-light" ;;
  fuzz) packages="$packages clang" ;;
esac

is_there() {
  case $1 in
    build-essential) command -v cc && command -v make ;;
    meson|cmake|clang|python3|openssl|curl|wrk|chromium) command -v "$1" ;;
    lld) command -v wasm-ld || command -v wasm-ld-14 ;;
    wabt) command -v wasm2wat ;;
    nghttp2-client) command -v nghttp && command -v h2load ;;
    nginx-light) command -v nginx || command -v /usr/sbin/nginx ;;
    golang-go) command -v go ;;
    ninja-build) command -v ninja ;;
    pkg-config) command -v pkg-config ;;
    libuv1-dev) pkg-config --exists libuv ;;
    libsodium-dev) pkg-config --exists libsodium ;;
    libjansson-dev) pkg-config --exists jansson ;;
    libssl-dev) pkg-config --exists 'openssl >= 3.0' ;;
    libnghttp2-dev) pkg-config --exists 'libnghttp2 >= 1.50' ;;
    libc-ares-dev) pkg-config --exists 'libcares >= 1.18' ;;
    libxxhash-dev) pkg-config --exists libxxhash ;;
    libtomlplusplus-dev) pkg-config --exists 'tomlplusplus >= 3.3' ;;
    libcmocka-dev) pkg-config --exists cmocka ;;
    python3-venv) python3 -c 'import ensurepip, venv' ;;
  esac >/dev/null 2>&1
}

# Prints those of its arguments that are missing.
find_missing() {
  for package in "$@"; do
    is_there "$package" || printf ' %s' "$package"
  done
}

# Installs Debian packages. Fails, and says why, where that cannot be done.
install() {
  if ! command -v apt-get >/dev/null; then
    echo "missing: $* (Debian's names); please install them" >&2
    return 1
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    echo "missing; please install as root: apt-get install $*" >&2
    return 1
  fi
  echo "installing: $*" >&2
  {
    $as_root apt-get update -q &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
  } >&2
}

# shellcheck disable=SC2086 # the words are to be split
{
  missing=$(find_missing $packages)
  [ -z "$missing" ] || install $missing
  for package in $(find_missing $wanted); do
    install "$package" || echo "going on without $package" >&2
  done
}
