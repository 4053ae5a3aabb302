"""Where students find the course: `[tool.gradus]` of pyproject.toml, and the addresses that follow from it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

GITHUB = re.compile(r"https://github\.com/([^/]+/[^/]+)")
PLACEHOLDER = "https://github.com/your-university/gradus"


class AddressError(ValueError):
    """pyproject.toml gives no usable address; the message says what to write."""


@dataclass(frozen=True)
class Address:
    """The repository that students read, its branch, and what Colab installs where that is not the repository."""

    repository: str
    branch: str = "main"
    package: str = ""

    @classmethod
    def of(cls, project: Path) -> Address | None:
        """The address in the pyproject.toml of `project`; None where it names none.

        Raises:
            AddressError: it names something that is no address.
        """
        path = project / "pyproject.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("gradus", {})
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise AddressError(f"{path}: {error}") from None
        if not table.get("repository"):
            return None
        unknown = set(table) - {"repository", "branch", "package"}
        wrong = [key for key, value in table.items() if not isinstance(value, str) or re.search(r"[\s\"'\\]", value)]
        if unknown or wrong:
            what = f"{sorted(unknown)[0]} is not known there" if unknown else f"{wrong[0]} is no address"
            raise AddressError(f"{path}: [tool.gradus] takes repository, branch and package, each a text: {what}.")
        if not table["repository"].startswith("https://"):
            raise AddressError(
                f'{path}: [tool.gradus] repository = "{table["repository"]}": write the address that a browser shows, '
                'such as "https://github.com/your-university/gradus".'
            )
        plain = table["repository"].removesuffix("/").removesuffix(".git")
        return cls(plain, table.get("branch", "main"), table.get("package", ""))

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody has written an address of their own yet."""
        return self.repository == PLACEHOLDER

    def colab(self, unit: str) -> str | None:
        """The address that opens a unit's hand-out in Colab; None where Colab cannot read the repository."""
        found = GITHUB.fullmatch(self.repository)
        if found is None:
            return None
        return f"https://colab.research.google.com/github/{found[1]}/blob/{self.branch}/course/{unit}.ipynb"

    @property
    def install(self) -> str:
        """What pip installs `gradus` from."""
        if self.package:
            return self.package
        if GITHUB.fullmatch(self.repository):  # a download of one file, a third of the time that cloning takes
            return f"{self.repository}/archive/refs/heads/{self.branch}.zip"
        return f"git+{self.repository}@{self.branch}"
