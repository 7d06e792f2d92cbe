#!/bin/sh
# check-imports.sh [FOLDER]: every `import` of a Swift file must be a dependency that the file's own
# target names in Package.swift. SwiftPM lets an undeclared import pass when the target is reachable
# through another one; this does not. Exit 1 with one line for each undeclared import.
set -eu
cd "${1:-$(dirname "$0")/..}"

# Modules that come with the toolchain.
toolchain="Swift Foundation FoundationEssentials FoundationNetworking FoundationXML Glibc Musl Darwin Dispatch Testing
    Synchronization RegexBuilder PackageDescription"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
swift package dump-package >"$scratch/package.json"

# One line a target: NAME FOLDER DEPENDENCY...
awk '
    function string(line) { sub(/^[^"]*"/, "", line); sub(/".*/, "", line); return line }
    /^  "targets" : \[/ { inside = 1; next }
    !inside { next }
    /^    \{/ { name = ""; path = ""; type = ""; dependencies = "" }
    /^      "dependencies" : \[/ { listing = 1 }
    /^      \]/ { listing = 0 }
    listing && /^ *"(byName|product|target)" : \[/ { getline; dependencies = dependencies " " string($0) }
    /^      "name" : / { sub(/^[^:]*: /, ""); name = string($0) }
    /^      "path" : / { sub(/^[^:]*: /, ""); path = string($0) }
    /^      "type" : / { sub(/^[^:]*: /, ""); type = string($0) }
    /^    \}/ { print name, (path != "" ? path : (type == "test" ? "Tests/" : "Sources/") name) dependencies }
' "$scratch/package.json" >"$scratch/targets"

if ! [ -s "$scratch/targets" ]; then
    echo "check-imports.sh: found no target in the output of 'swift package dump-package'" >&2
    exit 70
fi

while read -r name folder dependencies; do
    [ -d "$folder" ] || continue
    find "$folder" -name '*.swift' | sort | while read -r file; do
        sed -nE 's/^ *((@[A-Za-z_]+(\([a-z]+\))?|public|package|internal|fileprivate|private) +)*import +((struct|class|enum|protocol|func|var|let|typealias) +)?([A-Za-z_0-9]+).*/\6/p' "$file" |
            sort -u | while read -r module; do
                case " $dependencies $(echo $toolchain) " in
                *" $module "*) ;;
                *) echo "$file: imports $module, which target $name does not name in Package.swift" ;;
                esac
            done
    done
done <"$scratch/targets" >"$scratch/undeclared"

if [ -s "$scratch/undeclared" ]; then
    cat "$scratch/undeclared"
    exit 1
fi
echo "imports: every import of $(wc -l <"$scratch/targets") targets is declared"
