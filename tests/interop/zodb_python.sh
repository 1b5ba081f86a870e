# Sourced: sets ZODB_PYTHON to the Python of the virtual environment with ZODB and ZEO, unless it is set already.
# DBTOOLS_CACHE moves the folder that holds it out of the user's cache.
: "${DBTOOLS_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/schooltool-dbtools}"
: "${ZODB_PYTHON:=$DBTOOLS_CACHE/venv/bin/python}"
