"""Commands that bring the course to students: handout, site."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_tools import console, unit_path


@click.command()
@click.argument("units", nargs=-1)
@click.option("--out", default="dist/gradus.zip", show_default=True, type=click.Path(path_type=Path), help="The zip.")
def handout(units: tuple[str, ...], out: Path) -> None:
    """Pack course/ into a zip that installs and opens itself on a student's machine. No UNIT means all.

    The same folder, unpacked into a repository that students can read, is what Colab opens and installs from.
    """
    from .address import Address, AddressError
    from .handout import HandoutError, contents, packed
    from .source import SourceErrors, unit_paths

    project = Path()
    paths = [unit_path(unit) for unit in units] or unit_paths(project / "solutions")
    if not paths:
        raise click.ClickException("There is no unit in solutions/. Run this in the project's folder.")
    try:
        address = Address.of(project)
        files = contents(project, paths)
        out.parent.mkdir(parents=True, exist_ok=True)
        data = packed(files)
        out.write_bytes(data)
    except (SourceErrors, AddressError, HandoutError, OSError) as error:
        raise click.ClickException(f"No hand-out was written. {error}") from None
    console.print(f"{out}: {len(paths)} unit(s), {len(files)} files, {len(data) / 1000:.0f} kB", markup=False)
    if address is None or address.is_placeholder:
        console.print(
            "The links to Colab in it lead nowhere yet: write the address of a repository of yours into pyproject.toml, "
            "[tool.gradus], and build again. GUIDE.md says more.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
