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

set_up
command -v dpkg-deb >/dev/null 2>&1 || fail "dist.sh makes a Debian package; dpkg-deb was not found."
command -v dpkg-shlibdeps >/dev/null 2>&1 || fail "dpkg-shlibdeps was not found: apt-get install dpkg-dev"
architecture=$(dpkg --print-architecture)

with_progress "swift build -c release --static-swift-stdlib --product lector" \
    swift build -c release --static-swift-stdlib --product lector --scratch-path .build/dist
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
cp Sources/BundledModel/Resources/model.lector Sources/BundledModel/Resources/tokenizer.json "$tree/share/lector/"
cp Sources/BundledModel/Resources/README.md "$tree/share/doc/lector/model-card.md"
cp README.md CHANGELOG.md NOTICE docs/scaling.md "$tree/share/doc/lector/"
cp LICENSE "$tree/share/doc/lector/copyright"
mkdir "$tree/share/doc/lector/licenses"
for licence in .build/dist/checkouts/*/LICENSE*; do
    cp "$licence" "$tree/share/doc/lector/licenses/$(basename "$(dirname "$licence")")"
done
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
