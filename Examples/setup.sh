# setup.sh: what a bare Debian needs before Lector builds. Sourced by Examples/demo.sh and
# Tests/run.sh; POSIX sh. Installs only what is missing, so that the second call needs neither
# the network nor root. Leaves with 69 (service unavailable) and a sentence that says what to do.

# The libraries that Lector links, as pkg-config names them.
lector_modules="libarchive libxml-2.0 gmime-3.0 uchardet nettle sqlite3"
# The same as Debian packages, then what the Swift toolchain itself loads and links with.
lector_packages="pkg-config libarchive-dev libxml2-dev libgmime-3.0-dev libuchardet-dev
    nettle-dev libsqlite3-dev g++ libncurses6 libcurl4"

lector_began=$(date +%s)

# Seconds since the script began.
elapsed() { echo $(($(date +%s) - lector_began)); }

# One line with the time, on stderr: stdout is for results.
say() { printf '[%3d s] %s\n' "$(elapsed)" "$*" >&2; }

# fail MESSAGE...: one sentence a line, then exit 69.
fail() {
    printf '%s\n' "$@" >&2
    exit 69
}

# with_progress WHAT COMMAND...: runs the command with its output in $lector_log and keeps one line
# moving on a terminal (one line each 10 s elsewhere). Prints the log's end when the command fails.
with_progress() {
    what=$1
    shift
    say "$what"
    "$@" >"$lector_log" 2>&1 &
    child=$!
    trap 'kill $child 2>/dev/null; exit 130' INT
    trap 'kill $child 2>/dev/null; exit 143' TERM
    ticks=0
    while kill -0 $child 2>/dev/null; do
        if [ -t 2 ]; then
            doing=$(tail -n 1 "$lector_log" | tr -cd '[:print:]' | cut -c 1-60)
            printf '\r\033[K[%3d s]   %s' "$(elapsed)" "$doing" >&2
        elif [ $ticks -ge 10 ]; then
            ticks=0
            say "  $(tail -n 1 "$lector_log" | tr -cd '[:print:]' | cut -c 1-60)"
        fi
        ticks=$((ticks + 1))
        sleep 1
    done
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    wait $child && status=0 || status=$?
    trap - INT TERM
    if [ $status -ne 0 ]; then
        tail -n 40 "$lector_log" >&2
        say "failed with exit status $status: $*"
    fi
    return $status
}

# The Debian packages of the list that are not installed. A package whose name is provided by another
# one (libcurl4 by libcurl4t64) counts as installed.
missing_packages() {
    installed=$(dpkg-query -W -f '${db:Status-Abbrev}|${Package}\n${db:Status-Abbrev}|${Provides}\n' |
        sed -n 's/^ii *|//p' | tr ',' '\n' | sed 's/ *(.*//; s/ //g')
    for package in $lector_packages; do
        printf '%s\n' "$installed" | grep -qxF -e "$package" || printf '%s ' "$package"
    done
}

# Installs what is missing, or says what to install.
set_up() {
    if [ -d "${HOME:-}/.local/share/swiftly/bin" ]; then PATH=$PATH:${HOME:-}/.local/share/swiftly/bin; fi
    if ! command -v swift >/dev/null 2>&1; then
        fail "Lector is written in Swift, and there is no 'swift' in PATH." \
            "Get Swift 6.1 or newer for Linux at https://www.swift.org/install/linux/ and run this again." \
            "(Unpacked already? Then: export PATH=\$PATH:/where/it/lies/usr/bin)"
    fi
    if command -v dpkg-query >/dev/null 2>&1; then
        missing=$(missing_packages)
        if [ -n "$missing" ]; then
            if [ "$(id -u)" -eq 0 ]; then
                as_root=""
            elif command -v sudo >/dev/null 2>&1; then
                as_root="sudo"
                if [ ! -t 0 ]; then as_root="sudo -n"; fi
            else
                fail "These Debian packages are missing: $missing" \
                    "There is neither root nor sudo here. Have an administrator run" \
                    "    apt-get install --no-install-recommends -y $missing" \
                    "and run this again: it then needs no root."
            fi
            say "installing Debian packages: $missing"
            if [ -n "$as_root" ] && ! $as_root true; then
                fail "sudo does not let this user in. Have an administrator run" \
                    "    apt-get install --no-install-recommends -y $missing"
            fi
            with_progress "  apt-get update" $as_root apt-get -q update ||
                say "apt-get update failed; trying with the package lists that are here"
            with_progress "  apt-get install" $as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get -q install --no-install-recommends -y $missing ||
                fail "apt-get could not install: $missing" "See the lines above."
        fi
    elif ! command -v pkg-config >/dev/null 2>&1 || ! pkg-config --exists $lector_modules; then
        fail "This is not a Debian system. Install the development files of these libraries with your" \
            "package manager, and pkg-config, then run this again (pkg-config must find them):" \
            "    $lector_modules" \
            "On Debian they are called: $(echo $lector_packages)"
    fi
    found=$(swift --version 2>&1) || fail "'swift --version' fails:" "$found"
    version=$(printf '%s\n' "$found" | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    major=${version%%.*}
    minor=${version#*.}
    if [ -z "$version" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 1 ]; }; then
        fail "Lector needs Swift 6.1 or newer; here is: $(printf '%s\n' "$found" | head -n 1)" \
            "Get it at https://www.swift.org/install/linux/ and run this again."
    fi
}
