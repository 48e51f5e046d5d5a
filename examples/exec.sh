#!/bin/sh
# Runs that always give the same answer: each command is shown, then run. What all of this prints is in
# exec.expected, to the last digit, on every machine.
#   examples/exec.sh build/tenon
set -u
tenon=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

name=exec
. ./steps.sh

echo "A component that asks for what would make its answer different each time is stopped, and says what it asked for:"
expect 121 exec --function roll dice.wat u32:5
echo
echo "With numbers from a seed the answer is the same in every run; a second one makes sure:"
expect 0 exec --random seed=7 --verify --function roll dice.wat u32:5
echo
echo "Everything about the run, for programs:"
expect 0 exec --random seed=7 --json --function roll dice.wat u32:5
echo
echo "A run with real random numbers is recorded; its replay has them too, and asks for none:"
"$tenon" exec --quiet --allow-random --record "$folder/run.rec" --function roll dice.wat u32:5 >"$folder/first" 2>/dev/null
"$tenon" exec --quiet --replay "$folder/run.rec" dice.wat >"$folder/second" || exit 1
cmp "$folder/first" "$folder/second" && echo "the same"
echo
echo "The answer to a question that was asked before is not computed again:"
expect 0 exec --cache "$folder/answers" --random seed=7 --function roll dice.wat u32:5
expect 0 exec --cache "$folder/answers" --random seed=7 --function roll dice.wat u32:5
echo
echo "What is wrong with an argument gets a caret:"
expect 112 exec --function roll dice.wat s32:5
