#!/bin/sh
# dist.sh: what a node needs, made on a Debian with Swift: lector-VERSION-linux-ARCH.tar.gz and lector_VERSION_ARCH.deb.
#
#     sh dist.sh [FOLDER]        # into dist/ without one
#
# The program holds Swift's runtime; GMime, libarchive, libxml2, uchardet, Nettle and SQLite stay the system's own
# libraries, which their licences ask for (LGPL) and security updates like. With the model, the completions of three
# shells, a manual page a verb and the licences.
set -eu
cd "$(dirname "$0")"
. Examples/setup.sh

lector_log=$(mktemp)
trap 'rm -f "$lector_log"' EXIT
target=${1:-dist}
mkdir -p "$target"
target=$(cd "$target" && pwd)

# list_licences PROGRAM FOLDER: the texts of what is built in and of what the program loads from the system, and README, the list of
# them. Whoever passes on a program that uses a library of the LGPL passes on its text, too, although the library is not in here.
list_licences() {
    mkdir -p "$2/built-in" "$2/system" "$2/common"
    for licence in .build/dist/checkouts/*/LICENSE*; do
        cp "$licence" "$2/built-in/$(basename "$(dirname "$licence")")"
    done
    toolchain=$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)\/lib\/swift".*/\1/p')
    cp "$toolchain/share/swift/LICENSE.txt" "$2/built-in/swift"
    cp docs/licenses/ICU.txt "$2/built-in/icu"
    # dpkg knows some libraries below /lib, some below /usr/lib, and the loader finds all of them in one.
    ldd "$1" | awk '$3 ~ /^\// { print $3 }' >"$2/libraries"
    while read -r library; do
        # Who diverts a file is not whose it is.
        owners=$(dpkg-query -S "*$library" 2>/dev/null | grep -v '^diversion by ' | cut -d: -f1)
        [ -n "$owners" ] || fail "The program loads $library, which no Debian package here has: there is no licence to list."
        echo "$owners"
    done <"$2/libraries" >"$2/owners"
    sort -u "$2/owners" >"$2/packages"
    {
        echo "Lector itself, with its model: ../copyright (Apache License 2.0) and ../NOTICE."
        echo
        echo "Built in, texts in built-in/: $(ls "$2/built-in" | paste -sd ' ')"
        echo
        echo "Not in here: the system's libraries that the program of this build loads, by Debian package, with what each package"
        echo "names as licences (of its sources, so that not all of them need be the library's). Texts in system/ and common/."
        echo
        while read -r package; do
            cp "/usr/share/doc/$package/copyright" "$2/system/$package"
            release=$(dpkg-query -W -f '${Version}\n' "$package" | head -n 1)
            names=$(sed -n 's/^License: *//p' "$2/system/$package" | grep . | sort -u | paste -sd ';' | sed 's/;/; /g')
            echo "$package $release: ${names:-see its text}"
        done <"$2/packages"
    } >"$2/README"
    rm "$2/libraries" "$2/owners" "$2/packages"
    grep -oh '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$2"/system/* | sort -u | xargs cp -L -t "$2/common"
    grep -q '^libgmime.*LGPL' "$2/README" || fail "the list of licences has no GMime: $2/README"
}

set_up
command -v dpkg-deb >/dev/null 2>&1 || fail "dist.sh makes a Debian package; dpkg-deb was not found."
command -v dpkg-shlibdeps >/dev/null 2>&1 || fail "dpkg-shlibdeps was not found: apt-get install dpkg-dev"
architecture=$(dpkg --print-architecture)

with_progress "swift build -c release --static-swift-stdlib --product lector" \
    swift build -c release --static-swift-stdlib --product lector --scratch-path .build/dist \
    -Xcc "-fmacro-prefix-map=$PWD=."
with_progress "the maker of manual pages" \
    swift build --package-path .build/dist/checkouts/swift-argument-parser --product generate-manual \
    --scratch-path .build/dist/manual
# Only programs of dependencies are debug builds here.
built=.build/dist/release/lector
version=$($built --version)

stage=$(mktemp -d)
trap 'rm -rf "$stage" "$lector_log"' EXIT
tree=$stage/lector-$version
mkdir -p "$tree/bin" "$tree/share/lector" "$tree/share/doc/lector" "$tree/share/man/man1" \
    "$tree/share/bash-completion/completions" "$tree/share/zsh/vendor-completions" \
    "$tree/share/fish/vendor_completions.d"
strip --strip-unneeded -o "$tree/bin/lector" $built
# Not $PWD alone: /lector or /src may be a part of other strings.
if grep -qF -e "$PWD/.build" -e "$PWD/Sources" "$tree/bin/lector"; then fail "the program names the folder that it was built in"; fi
cp Sources/BundledModel/Resources/model.lector Sources/BundledModel/Resources/tokenizer.json "$tree/share/lector/"
cp Sources/BundledModel/Resources/README.md "$tree/share/doc/lector/model-card.md"
cp README.md CHANGELOG.md NOTICE docs/scaling.md "$tree/share/doc/lector/"
cp LICENSE "$tree/share/doc/lector/copyright"
list_licences "$tree/bin/lector" "$tree/share/doc/lector/licenses"
cp -r integrations/kubernetes "$tree/share/doc/lector/"
"$tree/bin/lector" completion bash >"$tree/share/bash-completion/completions/lector"
"$tree/bin/lector" completion zsh >"$tree/share/zsh/vendor-completions/_lector"
"$tree/bin/lector" completion fish >"$tree/share/fish/vendor_completions.d/lector.fish"
.build/dist/manual/debug/generate-manual "$tree/bin/lector" --multi-page --section 1 \
    --date "$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" +%Y-%m-%d)" \
    --output-directory "$tree/share/man/man1"
gzip -9n "$tree"/share/man/man1/*

say "the tarball"
tarball=$target/lector-$version-linux-$architecture.tar.gz
tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" \
    -czf "$tarball" "lector-$version"

say "the Debian package"
deb=$stage/deb
mkdir -p "$deb/DEBIAN" "$stage/debian"
cp -r "$tree" "$deb/usr"
# dpkg-shlibdeps wants to stand in a source package.
printf 'Source: lector\n\nPackage: lector\nArchitecture: any\n' >"$stage/debian/control"
depends=$(cd "$stage" && dpkg-shlibdeps -O -e"$tree/bin/lector" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || fail "dpkg-shlibdeps found no packages for the libraries of $built."
cat >"$deb/DEBIAN/control" <<CONTROL
Package: lector
Version: $version
Architecture: $architecture
Maintainer: The Lector authors
Section: text
Priority: optional
Installed-Size: $(du -sk "$deb/usr" | cut -f1)
Depends: $depends
Recommends: poppler-utils
Suggests: pst-utils, libemail-outlook-message-perl, libemail-address-perl, catdoc, libarchive-tools, parallel
Description: reads mailboxes, archives, books and logs through a language model
 Labels for every message, fields, sentences, each with the place in the source, offline and on an ordinary CPU. A small
 Kimi-Linear model is included.
CONTROL
dpkg-deb --root-owner-group --build "$deb" "$target/lector_${version}_$architecture.deb" >&2

ls -l "$tarball" "$target/lector_${version}_$architecture.deb"
