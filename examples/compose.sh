#!/bin/sh
# Several components into one file: each command is shown, then run. What all of this prints is in compose.expected.
#   examples/compose.sh build/tenon
set -u
tenon=$(realpath "$1")
cd "$(dirname "$0")/shop" || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Shows and runs a command that has to end with the given exit code.
expect() {
  wanted=$1
  shift
  printf '\n$ tenon'
  for word in "$@"; do
    case $word in
      "$folder"*) printf ' %s' "${word##*/}" ;;
      *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$tenon" "$@" 2>&1
  code=$?
  [ "$code" = "$wanted" ] && return
  echo "compose: ended with $code instead of $wanted"
  exit 1
}

packages="--dep demo:tax=tax.wat --dep demo:prices=prices.wat --dep demo:rounding=rounding.wat --dep demo:shop=shop.wat"

echo "A shop is given what two other components export:"
expect 0 compose --plug tax.wat --plug prices.wat shop.wat -o "$folder/plugged.wasm"
expect 0 run --invoke 'total(3, 5)' "$folder/plugged.wasm"
echo
echo "A text says who gets what; a component between shop and tax rounds:"
echo
cat shop.wac
expect 0 compose shop.wac $packages -o "$folder/composed.wasm"
expect 0 run --invoke 'total(3, 5)' "$folder/composed.wasm"
echo
echo "What does not fit is shown where it is said:"
expect 116 compose mistaken.wac $packages -o "$folder/mistaken.wasm"
