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


@click.command()
@click.argument("units", nargs=-1)
@click.option("--out", default="site", show_default=True, type=click.Path(path_type=Path), help="The folder to write.")
def site(units: tuple[str, ...], out: Path) -> None:
    """Write the course as a website, to be read from the disk or put on any web server. No UNIT means all.

    Each unit is run once, solved, for its pictures; no line of a solution is on a page. What has not changed is not
    run again.
    """
    from .address import AddressError
    from .page import PageError
    from .site import Site, SiteError, build_site
    from .source import SourceErrors, unit_paths
    from .vendored import VendorError

    paths = [unit_path(unit) for unit in units] or unit_paths(Path("solutions"))
    if not paths or not Path("docs/conf.py").is_file():
        raise click.ClickException("There is no unit in solutions/, or no docs/. Run this in the project's folder.")
    if out.exists() and not (out / ".buildinfo").is_file() and any(out.iterdir()):
        raise click.ClickException(
            f"{out} holds something else than a website of ours: give another folder with --out."
        )
    try:
        with console.status("building the website") as status:
            count = build_site(Site(Path.cwd(), out.resolve()), paths, lambda text: status.update(f"website: {text}"))
    except (SiteError, PageError, VendorError, AddressError, SourceErrors, OSError) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console.print("Stopped. The units that have been run are kept: the same command goes on.")
        raise SystemExit(130) from None
    console.print(f"{count} unit(s). Open {out / 'index.html'} in a browser.", markup=False, soft_wrap=True)
