# For examples that are a series of commands: sourced by them, with the program in $tenon, a folder for what is made in
# $folder, and the name of the example in $name.

# expect CODE WORD...: shows and runs a command of tenon, which has to end with the exit code.
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
  echo "$name: ended with $code instead of $wanted"
  exit 1
}
