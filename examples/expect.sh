#!/bin/sh
# expect.sh PROGRAM FILE [ARGUMENT...]: runs PROGRAM, which has to succeed and print what is in FILE.
set -u
program=$1
file=$2
shift 2
actual=$("$program" "$@") || { echo "$program ended with $?" >&2; exit 1; }
printf '%s\n' "$actual" | diff -u "$file" -
