#!/bin/sh
# Every kernel level against the reference: on this CPU under the address and undefined-behaviour
# sanitizers, and on 64-bit ARM under qemu-user where the tools are installed (Debian: qemu-user-static,
# libc6-dev-arm64-cross). CLANG names another compiler. Ends with 1 when a check fails.
set -eu
cd "$(dirname "$0")/.."
clang=${CLANG:-clang}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources="Tests/levels/check_levels.c Sources/CKernels/*.c"
flags="-O2 -g -ISources/CKernels/include -ISources/CKernels"
failed=0

echo "native, -fsanitize=address,undefined"
# shellcheck disable=SC2086
$clang $flags -fsanitize=address,undefined -fno-sanitize-recover=undefined -o "$work/native" $sources -lm
"$work/native" Tests/KernelTests/Fixtures || failed=1

qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if [ -z "$qemu" ] || [ ! -d /usr/aarch64-linux-gnu/include ]; then
    echo "aarch64: not checked, qemu-user-static or libc6-dev-arm64-cross is not installed"
    exit $failed
fi
echo "aarch64 under $(basename "$qemu")"
# shellcheck disable=SC2086
if ! $clang --target=aarch64-linux-gnu --sysroot=/ -isystem /usr/aarch64-linux-gnu/include \
    -B/usr/aarch64-linux-gnu/lib -L/usr/aarch64-linux-gnu/lib -fuse-ld=lld $flags -static \
    -o "$work/arm" $sources -lm; then
    echo "aarch64: not checked, $clang does not link for it"
    exit 1
fi
"$qemu" -cpu max "$work/arm" Tests/KernelTests/Fixtures || failed=1
exit $failed
