#!/bin/sh
# Sees to it that there is a Chromium for tests/pages.rs. Does nothing if $CHROMIUM names one, one is on the path, or
# PROMPTGATE_NO_BROWSER=1 says that the tests are to do without; else installs Debian's package, which takes root.
set -eu

[ -n "${CHROMIUM:-}" ] && exit 0
[ "${PROMPTGATE_NO_BROWSER:-}" = 1 ] && exit 0
for name in chromium chromium-browser google-chrome chrome; do
    command -v "$name" >/dev/null && exit 0
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "chromium: installing Debian's package"
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >"$log" 2>&1; then
        exit 0
    fi
    tail -n 20 "$log" | sed 's/^/    /' >&2
    echo "chromium: the package could not be installed (offline?)." >&2
fi
echo "chromium: tests/pages.rs needs a Chromium: install one (Debian: apt-get install chromium; macOS: brew install chromium)," >&2
echo "chromium: set CHROMIUM to the path of one, or PROMPTGATE_NO_BROWSER=1 to skip these tests." >&2
exit 1
