#!/bin/sh
# fuzz.sh: runs the fuzz targets of the weight and tokenizer headers.
#
#   sh Tests/Fuzzing/fuzz.sh [SECONDS] [KIND...]     KIND: SAFETENSORS GGUF PACKED TOKENIZER; default all
#
# Builds the modules with libFuzzer and the address sanitizer in Tests/Fuzzing/work (git ignores it),
# outside of SwiftPM, so that nothing of it burdens the normal build. Needs the Swift toolchain and python3.
# A finding stays in work/KIND/ as crash-..., and the script ends with its status; once mended it
# becomes a named test.
set -eu
export SWIFT_BACKTRACE=enable=no  # libFuzzer prints its own; Swift's waits for somebody to look at it
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
kinds=${*:-SAFETENSORS GGUF PACKED TOKENIZER}
work=$PWD/Tests/Fuzzing/work
mkdir -p "$work/modules"
flags="-O -g -sanitize=fuzzer,address"
nettle=$(pkg-config --cflags nettle | sed 's/-I/-Xcc -I/g')

for c in CCRC32C CKernels CThreads; do
    header=$(ls "Sources/$c/include/"*.h)
    mkdir -p "$work/modules/$c"
    printf 'module %s { header "%s" export * }\n' "$c" "$PWD/$header" >"$work/modules/$c/module.modulemap"
    for source in "Sources/$c/"*.c; do
        clang -O1 -g -fsanitize=address,fuzzer-no-link -I "Sources/$c/include" -c "$source" \
            -o "$work/$c-$(basename "$source" .c).o"
    done
done
imports="-I $work/modules -I Sources/CNettle"
for c in CCRC32C CKernels CThreads; do imports="$imports -I $work/modules/$c"; done
for module in JSON Documents Digests WeightFiles KimiLinear Tokenization; do
    find "Sources/$module" -name '*.swift' | sort >"$work/$module.files"
    # shellcheck disable=SC2086,SC2046
    swiftc $flags -wmo -parse-as-library -swift-version 6 -package-name lector -module-name "$module" \
        -emit-module -emit-module-path "$work/modules/$module.swiftmodule" -emit-object -o "$work/$module.o" \
        $imports $nettle $(cat "$work/$module.files")
done
python3 Tests/Fuzzing/make_seeds.py "$work/seeds"
for kind in $kinds; do
    # shellcheck disable=SC2086,SC2046
    swiftc $flags -parse-as-library -swift-version 6 -package-name lector -D "FUZZ_$kind" -module-name Fuzz \
        $imports $nettle Tests/Fuzzing/Fuzz.swift "$work"/*.o $(pkg-config --libs nettle) -o "$work/fuzz-$kind"
    mkdir -p "$work/$kind/corpus"
    echo "fuzzing $kind for $seconds s"
    (cd "$work/$kind" && "$work/fuzz-$kind" -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=3072 \
        -print_final_stats=1 corpus "$work/seeds/$kind" >log 2>&1) || {
        tail -n 40 "$work/$kind/log" >&2
        exit 1
    }
    grep -E 'number_of_executed_units|DONE' "$work/$kind/log"
done
