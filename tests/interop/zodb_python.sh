#!/bin/sh
# Sourced: sets ZODB_PYTHON to the Python of a virtual environment with ZODB and ZEO. ZODB_VENV is the name of the
# environment: venv, unless it is set; for that one a ZODB_PYTHON that is set already stands. DBTOOLS_CACHE moves
# the folder that holds them out of the user's cache.
: "${DBTOOLS_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/schooltool-dbtools}"
: "${ZODB_VENV:=venv}"
if [ "$ZODB_VENV" = venv ]; then
    : "${ZODB_PYTHON:=$DBTOOLS_CACHE/venv/bin/python}"
else
    ZODB_PYTHON=$DBTOOLS_CACHE/$ZODB_VENV/bin/python
fi
