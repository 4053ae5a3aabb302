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

# the tested set of packages wants 3.11.5; Ubuntu 22.04's own python3.11 is older than that
suits() { command -v "$1" >/dev/null && "$1" -c "import ensurepip, sys; sys.exit(not ($2) <= sys.version_info[:3] < (3, 14))" 2>/dev/null; }
first() { for one in python3.12 python3.13 python3.11 python3; do if suits "$one" "$1"; then command -v "$one"; return; fi; done; }
found() { first "3, 11, 5"; }
packages() { apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; }

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq || true
  # bubblewrap works where the container allows namespaces; libseccomp2 is what the weaker sandboxes need
  packages bubblewrap libseccomp2 || echo "bubblewrap or libseccomp2 could not be installed."
  for version in 3.12 3.13 3.11; do
    [ -n "$(found)" ] || packages "python$version" "python$version-venv" || true
  done
fi
PYTHON="$(found)"
if [ -z "$PYTHON" ] && python3 -m pip --version >/dev/null 2>&1; then
  echo "No Python from 3.11.5 to 3.13 here; fetching one with uv."
  export UV_PYTHON_INSTALL_DIR="$VENV-python"  # not under /root: other users must be able to run it
  python3 -m pip install --quiet --target "$VENV-uv" uv && "$VENV-uv/bin/uv" python install --quiet 3.12 &&
    PYTHON="$("$VENV-uv/bin/uv" python find 3.12)" || PYTHON=""
fi
PYTHON="${PYTHON:-$(first "3, 11")}"
if [ -z "$PYTHON" ]; then
  echo "No Python from 3.11 to 3.13 with venv can be had here. Choose the newest Ubuntu as base image." >&2
  exit 1
fi
echo "Installing with $("$PYTHON" -V)"
"$PYTHON" -m venv "$VENV"
install() { "$VENV/bin/python" -m pip install --quiet ${PIP[@]+"${PIP[@]}"} "$@" "$ROOT/source/gradus[grader]"; }
if ! install -c "$ROOT/source/gradus/constraints.txt"; then
  echo "The tested versions cannot all be had with this Python: taking what the ranges allow."
  install
fi
chmod -R go+rX "$VENV"
chmod -R go-rwx "$ROOT/source"

# the reference must get full marks here, or the image is no good: better to know it now
GRADESCOPE_ROOT="$ROOT" "$VENV/bin/python" -P -m autograder.gradescope.run --try
