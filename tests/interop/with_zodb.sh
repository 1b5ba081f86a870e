#!/bin/sh
# with_zodb.sh SCRIPT ARGUMENT...: runs a Python script with ZODB at hand, or exits 77 (a skip) if it is not.
set -eu
. "$(dirname "$0")/zodb_python.sh"
if ! "$ZODB_PYTHON" -c 'import ZODB, ZEO' 2>/dev/null; then
    echo "skipped: $ZODB_PYTHON has no ZODB and ZEO (see interop.venv)" >&2
    exit 77
fi
exec "$ZODB_PYTHON" "$@"
