#!/bin/sh
# Builds the engine library (deps/wasmtime) once and prints the folder that holds it, lib/libtenon_engine.a
# and include/, as the last line of its output. Five minutes on two cores, then kept outside the tree in
# ${TENON_ENGINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tenon/engine}/HASH, where HASH is of everything that
# goes into it. Set TENON_ENGINE_KEEP_BUILD=1 to keep the 1 GB of intermediate files as well, so that a
# change to deps/wasmtime/src takes seconds.
#
# Needs cmake, a C compiler, and Rust: 1.95 or later on PATH, else Debian's rustc-web and cargo-web, which
# are installed when this runs as root.
set -eu

source_dir=$(cd "$(dirname "$0")/../deps/wasmtime" && pwd)
cache_dir=${TENON_ENGINE_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/tenon/engine}
rust_minor=95

say() {
  echo "engine: $*" >&2
}

fail() {
  say "$*"
  exit 1
}

# Whether the compiler $1 is there and recent enough.
rust_is_recent() {
  version=$("$1" --version 2>/dev/null) || return 1
  minor=$(echo "$version" | sed -n 's/^rustc 1\.\([0-9][0-9]*\)\..*/\1/p')
  [ -n "$minor" ] && [ "$minor" -ge "$rust_minor" ]
}

# Sets RUSTC and CARGO.
find_rust() {
  if command -v cargo >/dev/null && rust_is_recent rustc; then
    RUSTC=$(command -v rustc) CARGO=$(command -v cargo)
    return
  fi
  if ! rust_is_recent /usr/bin/rustc; then install_rust; fi
  rust_is_recent /usr/bin/rustc && [ -x /usr/bin/cargo ] || no_rust
  RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
}

install_rust() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || no_rust
  say "installing rustc-web and cargo-web"
  apt-get install -y --no-install-recommends rustc-web cargo-web >&2 ||
    { apt-get update >&2 && apt-get install -y --no-install-recommends rustc-web cargo-web >&2; } || no_rust
}

no_rust() {
  say "no Rust 1.$rust_minor or later: install it from https://rustup.rs,"
  fail "or as root on Debian: apt-get install rustc-web cargo-web"
}

# A hash of every input of the build.
hash_inputs() {
  {
    "$RUSTC" --version --verbose
    cd "$source_dir"
    find Cargo.toml Cargo.lock src -type f | LC_ALL=C sort | while read -r file; do
      echo "$file"
      cat "$file"
    done
  } | sha256sum | cut -c 1-32
}

build() {
  command -v cmake >/dev/null || fail "cmake is missing (Debian: apt-get install cmake)"
  command -v cc >/dev/null || fail "no C compiler (Debian: apt-get install build-essential)"
  say "building with $("$RUSTC" --version); this takes some minutes, once"
  env -u RUSTFLAGS -u CARGO_BUILD_TARGET -u CARGO_BUILD_RUSTFLAGS CARGO_INCREMENTAL=0 RUSTC="$RUSTC" \
    "$CARGO" build --release --locked --manifest-path "$source_dir/Cargo.toml" --target-dir "$build_dir" >&2 ||
    fail "the build failed; what is done so far stays in $build_dir"
}

# Puts the results into a folder of their own and renames it, so that a folder of that name is complete.
publish() {
  headers=$(ls -td "$build_dir"/release/build/wasmtime-c-api-impl-*/out/include 2>/dev/null | head -n 1)
  [ -n "$headers" ] || fail "the build made no headers"
  new_dir=$(mktemp -d "$cache_dir/.new-XXXXXX")
  mkdir "$new_dir/lib"
  cp -R "$headers" "$new_dir/include"
  cp "$build_dir/release/libtenon_engine.a" "$new_dir/lib/"
  chmod 755 "$new_dir"
  mv "$new_dir" "$result_dir"
  [ "${TENON_ENGINE_KEEP_BUILD:-0}" = 1 ] || rm -rf "$build_dir"
}

find_rust
result_dir=$cache_dir/$(hash_inputs)
if [ ! -d "$result_dir" ]; then
  build_dir=$cache_dir/build
  mkdir -p "$cache_dir"
  # one build at a time; whoever waited finds the result
  exec 9>"$cache_dir/lock"
  flock 9
  if [ ! -d "$result_dir" ]; then
    build
    publish
  fi
fi
echo "$result_dir"
