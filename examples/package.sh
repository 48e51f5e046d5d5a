#!/bin/sh
# package.sh BUILD SOURCE: installs BUILD into a folder of its own, builds an example there as an outsider would,
# with pkg-config, once with the shared and once with the static library, and runs both. Also: the shared
# library exports what the public headers declare, and nothing else; and `make install` goes to the prefix that it is given.
set -eu
build=$1 source=$2
command -v pkg-config >/dev/null && command -v nm >/dev/null || exit 77 # skipped
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

meson install -C "$build" --no-rebuild --quiet --destdir "$place" >/dev/null
PKG_CONFIG_LIBDIR=$(dirname "$(find "$place" -name tenon.pc)"):$(pkg-config --variable=pc_path pkg-config)
library=$(dirname "$(find "$place" -name libtenon.a)")
header=$(find "$place" -name tenon.h)
export PKG_CONFIG_LIBDIR
flags="-I$(dirname "$header") -L$library"

find "$(dirname "$header")" -name '*.h' -exec grep -oh 'TN_API [^;(]*(' '{}' + | grep -o 'tn_[a-z0-9_]*($' | tr -d '(' | sort >"$place/declared"
nm -D --defined-only "$library/libtenon.so" | awk '{print $3}' | sed 's/@.*//' | sort >"$place/exported"
diff -u "$place/declared" "$place/exported"

# A prefix that is given when there is a build already counts, without one the build's own does.
root=$(dirname "$0")/..
make -n -C "$root" install BUILD="$build" PREFIX=/elsewhere | grep -q "configure $build --prefix=/elsewhere"
if (unset PREFIX && make -n -C "$root" install BUILD="$build") | grep -q configure; then exit 1; fi

# Words of flags, meant to be split.
# shellcheck disable=SC2086
cc "$source" $flags $(pkg-config --libs-only-l tenon) -o "$place/shared"
LD_LIBRARY_PATH=$library "$place/shared"
# shellcheck disable=SC2046,SC2086
cc "$source" $flags -Wl,-Bstatic -ltenon -Wl,-Bdynamic \
  $(pkg-config --static --libs tenon | tr ' ' '\n' | grep -v -e '^-ltenon$' -e '^-L') -o "$place/static"
"$place/static"
