# engines.sh: getting the engines that other people have, from Debian and PyPI. Sourced by the others; POSIX sh.
# What cannot be had here ends the script with 69 and a sentence, which run.sh counts as skipped.

skip() {
    echo "skipped: $*" >&2
    exit 69
}

# What a download may take. Without a network apt-get and pip wait for all of it.
: "${SETUP_SECONDS:=300}"

# need COMMAND PACKAGE...: a command, from Debian's packages where it is missing.
need() {
    command -v "$1" >/dev/null 2>&1 && return
    [ "$(id -u)" = 0 ] || skip "there is no $1, and no root to install it: apt-get install $2"
    command -v apt-get >/dev/null 2>&1 || skip "there is no $1, and no apt-get to install it with"
    wanted=$1
    shift
    # dpkg has no limit: stopped in the middle, it leaves a system that every later apt-get refuses.
    {
        timeout "$SETUP_SECONDS" sh -c \
            'apt-get update -q; exec apt-get install -qy --no-install-recommends --download-only "$@"' sh "$@" &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends --no-download "$@"
    } >/dev/null 2>&1 </dev/null || true
    command -v "$wanted" >/dev/null 2>&1 || skip "apt-get could not install $*"
}

# need_python NAME REQUIREMENT...: a virtual environment $venv with packages from PyPI, kept in .build/scale.
need_python() {
    command -v python3 >/dev/null 2>&1 || skip "there is no python3"
    venv=.build/scale/$1
    shift
    [ "$(cat "$venv/has" 2>/dev/null)" = "$*" ] && return
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && timeout "$SETUP_SECONDS" "$venv/bin/pip" install -q --retries 1 --timeout 20 "$@"; } >/dev/null 2>&1; then
        rm -rf "$venv"
        skip "pip could not install $*"
    fi
    echo "$*" >"$venv/has"
}

# need_network_namespace: $namespace runs a command in a network namespace that reaches nothing.
need_network_namespace() {
    need ip iproute2
    [ "$(id -u)" = 0 ] && namespace="unshare -n" || namespace="unshare -rn"
    $namespace ip link set lo up 2>/dev/null || skip "no network namespace can be made here ($namespace)"
}
