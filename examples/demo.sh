#!/bin/sh
# What Tenon does, in five commands: each is shown, then run.
#   examples/demo.sh build/tenon
set -u
tenon=$1
folder=$(dirname "$0")

show() {
  printf '\n$ tenon'
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$tenon" "$@"
}

# A part of the demonstration that has to end with the given exit code.
expect() {
  wanted=$1
  shift
  show "$@" 2>&1
  code=$?
  [ "$code" = "$wanted" ] && return
  echo "demo: ended with $code instead of $wanted" >&2
  exit 1
}

echo "A WASI 0.2 component that prints its arguments:"
expect 0 run "$folder/hello.wat" one two
echo
echo "Functions with typed parameters, called from the command line:"
expect 0 run --invoke 'area(rect((2.0, 3.0)))' "$folder/calculator.wat"
expect 0 run --invoke 'divide(7, 2)' "$folder/calculator.wat"
echo
echo "What a file needs and offers:"
expect 0 inspect "$folder/calculator.wat"
echo
echo "A guest that goes wrong ends with its own exit code, and says where (here 134):"
expect 134 run --invoke 'invert(0)' "$folder/calculator.wat"
