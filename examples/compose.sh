#!/bin/sh
# Several components into one file: each command is shown, then run. What all of this prints is in compose.expected.
#   examples/compose.sh build/tenon
set -u
tenon=$(realpath "$1")
cd "$(dirname "$0")/shop" || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

name=compose
. ../steps.sh

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
