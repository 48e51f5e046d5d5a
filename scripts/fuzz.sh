#!/bin/sh
# Runs every fuzz target for a number of seconds, starting from the suites' files.
#   scripts/fuzz.sh SECONDS [SUITES]
# Prints a line for each target and at last "N passed, N failed". A finding is kept in build-fuzz/findings.
set -eu

seconds=$1
suites=${2-}
build=build-fuzz
engine=${ENGINE-}

if [ ! -f $build/build.ninja ]; then
  [ -n "$engine" ] || engine=$(sh scripts/engine.sh)
  CC=clang CXX=clang++ meson setup $build --buildtype=debugoptimized -Db_ndebug=false -Dfuzz=true -Dengine="$engine" >&2
fi
ninja -C $build fuzz >&2

# Only a folder of plain files can be a corpus.
seeds=$build/seeds
mkdir -p $build/findings "$seeds"
if [ -d "$suites/component-model/json" ]; then
  find "$suites/component-model/json" -name '*.wasm' -size -64k -exec cp -f {} "$seeds" \;
fi

passed=0
failed=0
for target in $build/tests/fuzz/fuzz_*; do
  [ -f "$target" ] && [ -x "$target" ] || continue
  name=$(basename "$target")
  corpus=$build/corpus/$name
  mkdir -p "$corpus"
  if "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
      -artifact_prefix="$build/findings/$name-" "$corpus" "$seeds" >"$build/$name.log" 2>&1; then
    passed=$((passed + 1))
    echo "$name: no finding in $seconds s"
  else
    failed=$((failed + 1))
    echo "$name: failed; see $build/$name.log and $build/findings"
    tail -n 40 "$build/$name.log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
