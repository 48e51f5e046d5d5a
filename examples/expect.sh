#!/bin/sh
# expect.sh PROGRAM FILE: runs PROGRAM, which has to succeed and print what is in FILE.
set -u
actual=$("$1") || { echo "$1 ended with $?" >&2; exit 1; }
printf '%s\n' "$actual" | diff -u "$2" -
