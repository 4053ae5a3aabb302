"""From root to a throw-away user, then into the sandbox: ``python -P -m autograder.descend SPEC``.

Code that runs inside as root's own user could write to /proc/sys, whatever the namespaces. A throw-away user,
though, may not enter root's folders, where the project can lie: what the sandbox shows is therefore bound to a
staging folder first, in a mount table that nobody else sees.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from . import confine


def main() -> None:
    spec = json.loads(sys.argv[1])
    places = {}
    try:
        confine.private_mounts()
        confine.mount("tmpfs", spec["stage"], "tmpfs", 2 | 4, "mode=0755")
        for number, source in enumerate(spec["sources"]):
            place = Path(spec["stage"]) / str(number)
            place.mkdir() if os.path.isdir(source) else place.touch()
            confine.bind(source, str(place))
            places[source] = str(place)
    except PermissionError:
        pass  # a container's root may not mount; then the folders must be open to others as they are
    argv = [places.get(word, word) if kind == "source" else word for kind, word in spec["argv"]]
    os.setgroups([])
    os.setresgid(spec["uid"], spec["uid"], spec["uid"])
    os.setresuid(spec["uid"], spec["uid"], spec["uid"])
    os.chdir("/")
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
