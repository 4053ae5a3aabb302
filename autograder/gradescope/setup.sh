#!/usr/bin/env bash
# Builds the grader into Gradescope's image; runs once, as root, with the network. Written by `autograder export gradescope`.
#
# To try it elsewhere, in a bare folder tree:
#   GRADESCOPE_ROOT  stands for /autograder
#   GRADUS_VENV      where Python and its packages go; outside of /autograder, which is closed to submissions (/opt/gradus)
#   GRADUS_PIP       further words for pip; as it stands PyTorch's own index, whose CPU build is a tenth of the size
set -euo pipefail
ROOT="${GRADESCOPE_ROOT:-/autograder}"
VENV="${GRADUS_VENV:-/opt/gradus}"
read -r -a PIP <<<"${GRADUS_PIP---extra-index-url https://download.pytorch.org/whl/cpu}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 DEBIAN_FRONTEND=noninteractive

suits() { command -v "$1" >/dev/null && "$1" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }
found() { for one in python3.12 python3.13 python3.11 python3; do if suits "$one"; then command -v "$one"; return; fi; done; }

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq || true
  # bubblewrap works where the container allows namespaces; libseccomp2 is what the weaker sandboxes need
  apt-get install -y -qq --no-install-recommends bubblewrap libseccomp2 ca-certificates || true
  if [ -z "$(found)" ]; then
    for version in 3.12 3.11 3.13; do
      apt-get install -y -qq --no-install-recommends "python$version" "python$version-venv" && break || true
    done
    [ -n "$(found)" ] || apt-get install -y -qq --no-install-recommends python3 python3-venv || true
  fi
fi
PYTHON="$(found)"
if [ -z "$PYTHON" ]; then
  echo "No Python from 3.11 to 3.13 with venv here, and apt has none. Choose a newer base image (Ubuntu 22.04 or later)." >&2
  exit 1
fi
"$PYTHON" -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet ${PIP[@]+"${PIP[@]}"} -c "$ROOT/source/gradus/constraints.txt" "$ROOT/source/gradus[grader]"
chmod -R go+rX "$VENV"
chmod -R go-rwx "$ROOT/source"

# the reference must get full marks here, or the image is no good: better to know it now
GRADESCOPE_ROOT="$ROOT" "$VENV/bin/python" -P -m autograder.gradescope.run --try
