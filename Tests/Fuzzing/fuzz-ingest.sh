#!/bin/sh
# fuzz-ingest.sh: runs the fuzz targets of ingestion.
#
#   sh Tests/Fuzzing/fuzz-ingest.sh [SECONDS] [KIND...]     KIND: MAIL XML ARCHIVE CHARSET; default all
#
# As fuzz.sh: libFuzzer and the address sanitizer over our code (the libraries are the system's and are
# not instrumented), built in Tests/Fuzzing/work. Seeds are the fixtures of the tests, and small files of
# the shared collection where there is one (LECTOR_SAMPLES: its unpacked folder). A finding stays in
# work/KIND/ as crash-..., and once mended becomes a named test.
set -eu
export SWIFT_BACKTRACE=enable=no  # libFuzzer prints its own; Swift's waits for somebody to look at it
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
kinds=${*:-MAIL XML ARCHIVE CHARSET}
work=$PWD/Tests/Fuzzing/work/ingest
mkdir -p "$work/modules"
flags="-O -g -sanitize=fuzzer,address"
packages="libarchive libxml-2.0 gmime-3.0 uchardet nettle"
# shellcheck disable=SC2086
clang_flags=$(for flag in $(pkg-config --cflags $packages); do printf ' -Xcc %s' "$flag"; done)

imports="-I $work/modules"
for module in CCRC32C CReader; do
    mkdir -p "$work/modules/$module"
    printf 'module %s { header "%s" export * }\n' "$module" "$(ls "$PWD/Sources/$module"/include/*.h)" \
        >"$work/modules/$module/module.modulemap"
    imports="$imports -I $work/modules/$module"
    for source in Sources/"$module"/*.c; do
        clang -O1 -g -fsanitize=address,fuzzer-no-link -I "Sources/$module/include" -c "$source" \
            -o "$work/$module-$(basename "$source" .c).o"
    done
done
for c in CNettle CArchive CXML2 CGMime CUchardet; do imports="$imports -I Sources/$c"; done
for module in JSON Documents Digests Ingest; do
    find "Sources/$module" -name '*.swift' | sort >"$work/$module.files"
    # shellcheck disable=SC2086,SC2046
    swiftc $flags -wmo -parse-as-library -swift-version 6 -package-name lector -module-name "$module" \
        -emit-module -emit-module-path "$work/modules/$module.swiftmodule" -emit-object -o "$work/$module.o" \
        $imports $clang_flags $(cat "$work/$module.files")
done
python3 Tests/Fuzzing/make_ingest_seeds.py "$work/seeds" ${LECTOR_SAMPLES:+"$LECTOR_SAMPLES"}
for kind in $kinds; do
    # shellcheck disable=SC2086,SC2046
    swiftc $flags -parse-as-library -swift-version 6 -package-name lector -D "FUZZ_$kind" -module-name Fuzz \
        $imports $clang_flags Tests/Fuzzing/FuzzIngest.swift "$work"/*.o $(pkg-config --libs $packages) \
        -o "$work/fuzz-$kind" >"$work/link.log" 2>&1 || {
        grep -v 'Cannot export local symbol' "$work/link.log" >&2
        exit 1
    }
    mkdir -p "$work/$kind/corpus"
    echo "fuzzing $kind for $seconds s"
    (cd "$work/$kind" && "$work/fuzz-$kind" -max_total_time="$seconds" -max_len=16384 -timeout=20 \
        -rss_limit_mb=2048 -detect_leaks=0 -print_final_stats=1 corpus "$work/seeds/$kind" >log 2>&1) || {
        tail -n 40 "$work/$kind/log" >&2
        exit 1
    }
    grep -E 'number_of_executed_units|DONE' "$work/$kind/log"
done
