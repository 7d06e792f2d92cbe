#!/bin/sh
# Runs Lector beside its peers on this machine and prints tables for Benchmarks/LOG.md.
#
#   sh Benchmarks/peers.sh table [rounds]    every figure that the engine promises; TABLE_QUICK=1 for a short one
#   sh Benchmarks/peers.sh rates [rounds]    prefill and decode beside llama.cpp, one random checkpoint
#   sh Benchmarks/peers.sh cpu [rounds]      the same with one thread, by processor time: for a busy machine
#   sh Benchmarks/peers.sh mails [sample]    mails/s beside SmolLM2-135M-Instruct under llama-server
#
# First time: about 15 minutes on two cores, which build llama.cpp out of the source package of
# llama-cpp-python 0.3.36 (its vendor/llama.cpp is 0c1e57098) into Benchmarks/work, which git ignores.
# Needs a C++ compiler, python3 with venv, and the release build of lector. PEERS_PYTHON names a Python
# that has Benchmarks/requirements-peers.txt installed already, and saves that download.
set -eu
cd "$(dirname "$0")/.."
work=Benchmarks/work
llama=$work/llama.cpp
mkdir -p "$work"

[ -x "${LECTOR:-.build/release/lector}" ] || { echo "peers.sh: first: swift build -c release --product lector" >&2; exit 1; }

python=${PEERS_PYTHON:-}
if [ -z "$python" ]; then
    if [ ! -x "$work/venv/bin/python" ]; then
        python3 -m venv "$work/venv"
        "$work/venv/bin/pip" install -q -r Benchmarks/requirements-peers.txt
    fi
    python=$work/venv/bin/python
    PATH=$PWD/$work/venv/bin:$PATH
fi

if [ ! -x "$llama/build/bin/llama-server" ]; then
    echo "peers.sh: building llama.cpp, once, about ten minutes" >&2
    if [ ! -d "$llama" ]; then
        "$python" -m pip download -q --no-deps --no-build-isolation --no-binary :all: -d "$work" \
            llama-cpp-python==0.3.36
        tar -xzf "$work"/llama_cpp_python-0.3.36.tar.gz -C "$work"
        mv "$work/llama_cpp_python-0.3.36/vendor/llama.cpp" "$llama"
        rm -rf "$work"/llama_cpp_python-0.3.36*
    fi
    nice -n 10 cmake -G Ninja -S "$llama" -B "$llama/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
        -DLLAMA_OPENSSL=OFF -DGGML_CCACHE=OFF -DLLAMA_BUILD_APP=OFF >"$work/build.log"
    nice -n 10 ninja -C "$llama/build" -j2 llama-bench llama-quantize llama-server >>"$work/build.log"
fi

exec "$python" Benchmarks/peers.py "$@"
