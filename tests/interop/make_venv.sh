#!/bin/sh
# make_venv.sh [zeo5]: makes the virtual environment for the interop tests, unless it is there and of these
# requirements: that of requirements.txt, or that of requirements-zeo5.txt with the ZEO before the present one. Exit 77
# (a skip, with a loud warning) if the packages cannot be had: the tests that need them then skip too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
suffix=${1:+-$1}
ZODB_VENV=venv$suffix
requirements=$here/requirements$suffix.txt
if [ -z "$suffix" ] && [ -n "${ZODB_PYTHON:-}" ]; then
    echo "using $ZODB_PYTHON, as ZODB_PYTHON says"
    exit 0
fi
. "$here/zodb_python.sh"
venv=$DBTOOLS_CACHE/$ZODB_VENV
if [ -x "$venv/bin/python" ] && cmp -s "$requirements" "$venv/requirements.txt"; then
    exit 0
fi
mkdir -p "$DBTOOLS_CACHE"
new=$(mktemp -d "$DBTOOLS_CACHE/$ZODB_VENV-new.XXXXXX")
trap 'rm -rf "$new"' EXIT
if ! /usr/bin/python3 -m venv "$new" ||
    ! "$new/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"; then
    echo "*****************************************************************************" >&2
    echo "WARNING: ZODB and ZEO could not be installed: the INTEROP TESTS ARE SKIPPED." >&2
    echo "Nothing compares this build with the real ZODB. (Needs python3-venv and PyPI.)" >&2
    echo "*****************************************************************************" >&2
    exit 77
fi
cp "$requirements" "$new/requirements.txt"
rm -rf "$venv"
mv "$new" "$venv"
trap - EXIT
