#!/bin/sh
# Opens the course. It needs Python 3.11, 3.12 or 3.13.
cd "$(dirname "$0")" || exit 1
exec python3 start.py "$@"
