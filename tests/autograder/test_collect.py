"""Whole-class intake: who handed in what, from files, folders and archives that nobody may trust."""

from __future__ import annotations

import io
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from autograder import archive, ascribe, collect, handed, pack, sandbox
from autograder.bundle import Bundle
from autograder.classroom import grade_class, unchanged
from autograder.cli import main
from autograder.collect import CollectError
from autograder.gradebook import Course
from autograder.intake import MAX_BYTES, Unreadable
from autograder.release import filled, solved_notebook, to_text
from autograder.source import SourceErrors, load_unit
from autograder.workplace import Workplace

from .tiny import SOURCE, write

UNIT = "02_neuron"
ONE, TWO = b'{"cells": [1]}', b'{"cells": [2]}'


def info(name, mode=0, flags=0, kind=zipfile.ZIP_DEFLATED):
    made = zipfile.ZipInfo(name)
    made.external_attr, made.flag_bits, made.compress_type = mode << 16, flags, kind
    return made


def zipped(path, files):
    """A zip of `files`, (name or ZipInfo) -> bytes, at `path`; without a path its bytes."""
    target = path or io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items() if isinstance(files, dict) else files:
            made.writestr(name, data)
    return path or target.getvalue()


def laid(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture(params=["folder", "zip"])
def given_as(request, tmp_path):
    """Puts files into a folder called "class", or into class.zip."""

    def put(files):
        if request.param == "zip":
            return zipped(tmp_path / "class.zip", files)
        return laid(tmp_path / "class", files)

    return put


def work(found):
    """Student -> what is read, or the reason why nothing is."""
    read = {}
    for student, source in found.sources.items():
        try:
            read[student] = source.read()
        except Unreadable as error:
            read[student] = str(error)
    return read


def taken(*paths, unit=UNIT, allowed=()):
    return work(collect.collect(paths, unit, allowed))


def reason(*paths, unit=UNIT):
    (found,) = taken(*paths, unit=unit).values()
    assert isinstance(found, str)
    return found


# who handed in what


def test_canvas(given_as):
    path = given_as(
        {
            "lovelaceada_12345_678901_02_neuron.ipynb": ONE,
            "turingalan_LATE_12346_678902_02_neuron.ipynb": TWO,
            "de la cruz_maria_77_678903_my homework.ipynb": ONE,
            "anon_Xy12Z_678904_02_neuron.ipynb": ONE,
        }
    )
    found = collect.collect([path], UNIT)
    assert work(found) == {
        "lovelaceada_12345": ONE,
        "turingalan_12346": TWO,
        "de la cruz_maria_77": ONE,
        "anon_Xy12Z": ONE,
    }
    assert found.notes == [
        "Marked as late by Canvas, which does not say how late (no penalty is taken): turingalan_12346."
    ]


def test_the_newest_of_several_uploads_counts_and_that_is_said(given_as):
    path = given_as(
        {
            "lovelaceada_1_900_02_neuron-2.ipynb": TWO,  # Canvas counts in names and in numbers of uploads
            "lovelaceada_1_800_02_neuron-1.ipynb": ONE,
            "lovelaceada_1_700_02_neuron.ipynb": ONE,
            "hopper_2_1000_a.ipynb": ONE,
            "hopper_2_999_b.ipynb": TWO,
            "noether_3_500_scratch.ipynb": TWO,
            "noether_3_400_02_neuron.ipynb": ONE,  # called after the unit
        }
    )
    found = collect.collect([path], UNIT)
    assert work(found) == {"lovelaceada_1": TWO, "hopper_2": ONE, "noether_3": ONE}
    (note,) = found.notes
    assert "lovelaceada_1 (02_neuron-2.ipynb, not 02_neuron-1.ipynb, 02_neuron.ipynb)" in note
    assert "hopper_2 (a.ipynb, not b.ipynb)" in note
    assert "noether_3 (02_neuron.ipynb, not scratch.ipynb)" in note


def test_two_downloads_of_one_course_are_one_class(tmp_path):
    monday = zipped(tmp_path / "monday.zip", {"lovelaceada_1_700_02_neuron.ipynb": ONE})
    friday = zipped(tmp_path / "friday.zip", {"lovelaceada_1_800_02_neuron-1.ipynb": TWO})
    assert taken(friday, monday) == taken(monday, friday) == {"lovelaceada_1": TWO}


def test_moodle(given_as):
    path = given_as(
        {
            "Ada Lovelace_123456_assignsubmission_file_/02_neuron.ipynb": ONE,
            "Alan Turing_123457_assignsubmission_file_02_neuron.ipynb": TWO,  # older Moodles
            "Grace Hopper_123458_assignsubmission_file_/my work/neuron final.ipynb": ONE,
            "Grace Hopper_123458_assignsubmission_onlinetext_/onlinetext.html": b"Hello",
            "Emmy Noether_123459_assignsubmission_onlinetext_/onlinetext.html": b"I could not.",
        }
    )
    found = collect.collect([path], UNIT)
    assert set(found.sources) == {
        "Ada Lovelace_123456",
        "Alan Turing_123457",
        "Grace Hopper_123458",
        "Emmy Noether_123459",
    }
    read = work(found)
    assert read["Ada Lovelace_123456"] == ONE and read["Alan Turing_123457"] == TWO
    assert read["Grace Hopper_123458"] == ONE and "onlinetext.html" in read["Emmy Noether_123459"]
    assert any("no notebook" in note and "Emmy Noether_123459" in note for note in found.notes)
    assert any(note.startswith("Passed over") and "onlinetext.html" in note for note in found.notes)


def test_namesakes_stay_two(given_as):
    path = given_as(
        {
            "Ada Lovelace_1_assignsubmission_file_/02_neuron.ipynb": ONE,
            "Ada Lovelace_2_assignsubmission_file_/02_neuron.ipynb": TWO,
            "lovelaceada_11_901_02_neuron.ipynb": ONE,
            "lovelaceada_12_902_02_neuron.ipynb": TWO,
        }
    )
    assert taken(path) == {
        "Ada Lovelace_1": ONE,
        "Ada Lovelace_2": TWO,
        "lovelaceada_11": ONE,
        "lovelaceada_12": TWO,
    }


def test_nbgraders_tree(given_as):
    path = given_as(
        {
            "submitted/ada/02_neuron/02_neuron.ipynb": ONE,
            "submitted/ada/02_neuron/timestamp.txt": b"2026-11-24 18:00:00 UTC",
            "submitted/ada/03_network/03_network.ipynb": TWO,
            "submitted/ada/03_network/data.txt": b"no concern of this unit",
            "submitted/alan/02_neuron/my work.ipynb": TWO,
            "submitted/bob/02_neuron/essay.pdf": b"%PDF",
            "submitted/cy/03_network/03_network.ipynb": TWO,
            "submitted/dee/scratch.ipynb": TWO,
        }
    )
    found = collect.collect([path], UNIT)
    read = work(found)
    assert set(read) == {"ada", "alan", "bob"} and read["ada"] == ONE and read["alan"] == TWO
    assert "essay.pdf" in read["bob"]
    assert found.sources["ada"].when == "2026-11-24 18:00:00 UTC" and found.sources["ada"].time == 1795543200
    notes = "\n".join(found.notes)
    assert "my work.ipynb" in notes and "bob (essay.pdf)" in notes and "dee/scratch.ipynb" in notes
    assert "data.txt" not in notes  # another unit's


def test_plain_notebooks_and_a_folder_for_each_student(given_as):
    path = given_as(
        {
            "ada.ipynb": ONE,
            "Monday/alan.IPYNB": TWO,
            "grace/02_neuron.ipynb": ONE,
            "emmy/02_neuron.ipynb": TWO,
            "kurt/kurt.ipynb": ONE,
            "list.csv": b"1,2",
        }
    )
    found = collect.collect([path], UNIT)
    assert work(found) == {"ada": ONE, "alan": TWO, "grace": ONE, "emmy": TWO, "kurt": ONE}
    (note,) = found.notes
    assert note.startswith("Passed over, 1 file") and "list.csv" in note


def test_what_machines_leave_behind_is_ignored(given_as):
    path = given_as(
        {
            "ada.ipynb": ONE,
            "__MACOSX/._ada.ipynb": b"junk",
            ".ipynb_checkpoints/ada-checkpoint.ipynb": TWO,
            ".hidden.ipynb": TWO,
            ".git/x.ipynb": TWO,
            "Thumbs.db": b"",
            ".DS_Store": b"",
        }
    )
    found = collect.collect([path], UNIT)
    assert work(found) == {"ada": ONE} and found.notes == []


def test_one_students_zip_is_called_after_the_student(tmp_path):
    path = zipped(tmp_path / "ada.zip", {"02_neuron (1).ipynb": ONE, "notes.txt": b"x"})
    assert taken(path) == {"ada": ONE}
    path = zipped(tmp_path / "alan.zip", {"02_neuron/02_neuron.ipynb": TWO})
    assert taken(path) == {"alan": TWO}
    path = zipped(tmp_path / "lovelaceada_12345_678901_work.zip", {"x.ipynb": TWO})
    assert taken(path) == {"lovelaceada_12345": TWO}


def test_a_part_of_a_folder_may_be_named(tmp_path, monkeypatch):
    laid(tmp_path, {"submitted/ada/02_neuron/02_neuron.ipynb": ONE, "M. X_1_assignsubmission_file_/a.ipynb": TWO})
    folder = tmp_path / "submitted" / "ada"
    for path in (folder, folder / UNIT, folder / UNIT / f"{UNIT}.ipynb"):
        assert taken(path) == {"ada": ONE}
    monkeypatch.chdir(folder)
    assert taken(Path(".")) == taken(Path(UNIT)) == taken(Path(f"{UNIT}/{UNIT}.ipynb")) == {"ada": ONE}
    folder = tmp_path / "M. X_1_assignsubmission_file_"
    assert taken(folder) == taken(folder / "a.ipynb") == {"M. X_1": TWO}


def test_all_kinds_in_one_go(tmp_path):
    canvas = zipped(tmp_path / "c.zip", {"lovelaceada_1_100_02_neuron.ipynb": ONE})
    moodle = zipped(tmp_path / "m.zip", {"Ada Lovelace_1_assignsubmission_file_/02_neuron.ipynb": ONE})
    tree = laid(tmp_path / "submitted", {"ada/02_neuron/02_neuron.ipynb": ONE})
    single = laid(tmp_path / "x", {"bob.ipynb": TWO}) / "bob.ipynb"
    assert set(taken(canvas, moodle, tree, single)) == {"lovelaceada_1", "Ada Lovelace_1", "ada", "bob"}


def test_another_units_download_is_refused_and_one_such_notebook_is_told(given_as):
    inner = zipped(None, {"03_network.ipynb": ONE})
    path = given_as(
        {
            "ada_1_100_03_network.ipynb": ONE,
            "bob_2_101_03_network-1.ipynb": ONE,
            "cy_3_102_work.zip": inner,
            "dee_4_103_my try.ipynb": ONE,
        }
    )
    with pytest.raises(CollectError, match="2 notebooks called 03_network, and none called 02_neuron"):
        collect.collect([path], UNIT)


def test_one_notebook_called_after_another_unit_is_told(given_as):
    path = given_as({"ada_1_100_03_network.ipynb": ONE, "bob_2_101_02_neuron.ipynb": TWO})
    found = collect.collect([path], UNIT)
    assert work(found) == {"ada_1": ONE, "bob_2": TWO}
    assert found.notes == ["Called after another unit, and taken all the same: ada_1 (03_network.ipynb)."]


# two files for one student


def test_two_different_files_for_one_student_are_refused_by_name(given_as, tmp_path):
    path = given_as(
        {
            "Ada Lovelace_1_assignsubmission_file_/a.ipynb": ONE,
            "Ada Lovelace_1_assignsubmission_file_/b.ipynb": TWO,
        }
    )
    with pytest.raises(CollectError) as caught:
        collect.collect([path], UNIT)
    message = str(caught.value)
    assert "Two files for student Ada Lovelace_1" in message and "/a.ipynb" in message and "/b.ipynb" in message


def test_the_same_file_twice_is_one(given_as, tmp_path):
    folder = "Ada Lovelace_1_assignsubmission_file_"
    path = given_as({f"{folder}/a.ipynb": ONE, f"{folder}/b.ipynb": ONE})
    assert taken(path, path) == {"Ada Lovelace_1": ONE}


def test_the_one_called_after_the_unit_and_least_deep_counts(given_as):
    folder = "Ada Lovelace_1_assignsubmission_file_"
    path = given_as(
        {f"{folder}/old/02_neuron.ipynb": TWO, f"{folder}/02_Neuron.ipynb": ONE, f"{folder}/try.ipynb": TWO}
    )
    assert taken(path) == {"Ada Lovelace_1": ONE}


def test_a_notebook_elsewhere_goes_before_none(tmp_path):
    first = zipped(tmp_path / "1.zip", {"ada_1_100_essay.pdf": b"%PDF"})
    second = zipped(tmp_path / "2.zip", {"ada_1_101_02_neuron.ipynb": ONE})
    assert taken(first, second) == taken(second, first) == {"ada_1": ONE}


# what is no notebook


@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("essay.pdf", "File > Download"),
        ("02_neuron.py", "File > Download"),
        ("02_neuron.ipynb.txt", "hand it in as 02_neuron.ipynb"),
        ("02_neuron.json", "hand it in as 02_neuron.ipynb"),
        ("work.rar", "Such archives are not opened"),
        ("work.tar.gz", "Such archives are not opened"),
    ],
)
def test_what_is_no_notebook_is_unreadable_and_says_what_to_do(given_as, name, do):
    path = given_as(
        {
            f"lovelaceada_1_100_{name}": b"x",
            f"Ada_1_assignsubmission_file_/{name}": b"x",
            "submitted/ada/02_neuron/" + name: b"x",
        }
    )
    found = collect.collect([path], UNIT)
    assert set(found.sources) == {"lovelaceada_1", "Ada_1", "ada"}
    for text in work(found).values():
        assert name in text and do in text
    (note,) = found.notes
    assert "recorded as unreadable" in note and all(student in note for student in found.sources)


def test_canvas_text_entries_are_nobody_lost(given_as):
    path = given_as({"lovelaceada_1_text.html": b"Dear teacher", "turing_LATE_2_link.html": b"x"})
    read = taken(path)
    assert set(read) == {"lovelaceada_1", "turing_2"} and "text.html" in read["lovelaceada_1"]


# a student's own zip


def canvas_zip(tmp_path, inner, name="work.zip"):
    return zipped(tmp_path / "class.zip", {f"lovelaceada_1_100_{name}": inner})


def test_a_students_zip(tmp_path):
    inner = zipped(
        None, {"hand in/02_neuron.ipynb": ONE, "__MACOSX/hand in/._02_neuron.ipynb": b"x", "old/b.ipynb": TWO}
    )
    assert taken(canvas_zip(tmp_path, inner)) == {"lovelaceada_1": ONE}


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        (zipped(None, {"essay.pdf": b"%PDF"}), "holds no notebook, but essay.pdf"),
        (zipped(None, {}), "holds no notebook, but an empty zip"),
        (zipped(None, {"in.zip": zipped(None, {"02_neuron.ipynb": ONE})}), "holds no notebook, but in.zip"),
        (zipped(None, {"a.ipynb": ONE, "b.ipynb": TWO}), "holds 2 notebooks: a.ipynb, b.ipynb"),
        (zipped(None, {f"{i}.txt": b"" for i in range(3000)}), "files"),
        (b"Rar!", "no zip, or a damaged one"),
        (b"", "no zip, or a damaged one"),
        (zipped(None, {"02_neuron.ipynb": ONE})[:-30], "no zip, or a damaged one"),
        (zipped(None, [(info("02_neuron.ipynb", stat.S_IFLNK | 0o777), b"/etc/passwd")]), "a link or a device"),
        (zipped(None, [(info("02_neuron.ipynb", stat.S_IFCHR | 0o777), b"")]), "a link or a device"),
        (zipped(None, [(info("02_neuron.ipynb", kind=zipfile.ZIP_BZIP2), ONE * 99)]), "an unusual way"),
        (zipped(None, [(info("02_neuron.ipynb", kind=zipfile.ZIP_LZMA), ONE * 99)]), "an unusual way"),
        (zipped(None, {"02_neuron.ipynb": bytes(50 << 20)}), "hundreds of times its size"),
    ],
)
def test_a_students_zip_that_cannot_be_used_says_why(tmp_path, inner, says):
    text = reason(canvas_zip(tmp_path, inner))
    assert says in text and text.endswith("itself.")
    assert str(tmp_path) not in text  # nothing of the instructor's


def forged(data, size):
    """A zip of one stored notebook whose headers claim `size`, with a sum to match nothing."""
    made = bytearray(zipped(None, [(info("02_neuron.ipynb", kind=zipfile.ZIP_DEFLATED), data)]))
    at = made.index(b"PK\x01\x02")
    made[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(made)


def test_a_size_that_is_a_lie_costs_no_memory(tmp_path):
    """A member that claims a few bytes and holds many is read up to its claim, and then it is damaged."""
    noise = os.urandom(1 << 16)
    assert "damaged" in reason(canvas_zip(tmp_path, forged(noise, 100)))
    assert "hundreds of times" in reason(canvas_zip(tmp_path, forged(noise, 3 << 30)))


def test_no_more_is_unpacked_than_is_allowed(tmp_path):
    noise = os.urandom(1 << 20) * 30  # 30 MB; incompressible for deflate's window
    (item,) = archive.Archive(io.BytesIO(zipped(None, {"x": noise})), "x", 10).items()
    assert len(item.read(1000)) == 1001 and len(item.read(MAX_BYTES)) == MAX_BYTES + 1


def test_a_locked_zip_says_so(tmp_path):
    made = bytearray(zipped(None, {"02_neuron.ipynb": ONE}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(mark) + at] |= 1
    assert "locked with a password" in reason(canvas_zip(tmp_path, bytes(made)))


def test_a_directory_that_is_a_bomb_is_not_read():
    """A zip may list a million files in a few MB: it is refused before that list is in memory."""
    entry = b"PK\x01\x02" + bytes(42)
    data = entry * 100_000
    data += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFE, 0xFFFE, len(data), 0, 0)
    with pytest.raises(archive.BadArchive, match="lists too many files"):
        archive.Archive(io.BytesIO(data), "bomb", 2000)


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_whatever_a_zip_holds_it_is_a_zip_or_none(noise, at, byte):
    good = bytearray(zipped(None, {"02_neuron.ipynb": ONE, "b.txt": noise}))
    good[at % len(good)] = byte
    for data in (bytes(good), noise, b"PK\x05\x06" + noise):
        try:
            made, _ = handed.inner(data, UNIT, ())
        except Unreadable as error:
            assert "itself" in str(error)
        else:
            assert zlib.crc32(made) == zlib.crc32(ONE)


# a class's archive


@pytest.mark.parametrize("data", [b"", b"Dear all", zipped(None, {"ada.ipynb": ONE})[:-8]])
def test_a_damaged_archive_of_a_class_is_one_clear_error(tmp_path, data):
    path = tmp_path / "class.zip"
    path.write_bytes(data)
    with pytest.raises(CollectError, match=r"class\.zip is no zip, or a damaged one .* Download it again\."):
        collect.collect([path], UNIT)


def test_one_damaged_member_costs_one_student(tmp_path):
    path = zipped(
        tmp_path / "class.zip",
        [
            (info("ada_1_100_02_neuron.ipynb", kind=zipfile.ZIP_STORED), ONE),
            (info("bob_2_101_02_neuron.ipynb", kind=zipfile.ZIP_STORED), TWO),
        ],
    )
    data = bytearray(path.read_bytes())
    data[data.index(ONE) + 3] ^= 1
    path.write_bytes(data)
    read = taken(path)
    assert "damaged" in read["ada_1"] and read["bob_2"] == TWO


@pytest.mark.parametrize(
    "name",
    ["../../etc/ada.ipynb", "/etc/../ada.ipynb", "..\\..\\ada.ipynb", "a/../../Ada_1_assignsubmission_file_/x.ipynb"],
)
def test_a_name_that_leads_elsewhere_is_passed_over_and_named(tmp_path, monkeypatch, name):
    path = zipped(tmp_path / "class.zip", {name: ONE, "bob.ipynb": TWO})
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = collect.collect([path], UNIT)
    assert work(found) == {"bob": TWO} and sorted(tmp_path.rglob("*")) == before
    assert any(note.startswith("Passed over, 1 file") for note in found.notes)


def test_windows_separators_and_absolute_names(tmp_path):
    path = zipped(tmp_path / "class.zip", {"Ada_1_assignsubmission_file_\\02_neuron.ipynb": ONE, "/bob.ipynb": TWO})
    assert taken(path) == {"Ada_1": ONE, "bob": TWO}


@pytest.mark.parametrize(
    "odd",
    ["Ada\x1b[2J\nLovelace", "Ada\u202egnp.evil", "x" * 400, ".", "..", "...", " ", "Ada\x7f"],
)
def test_absurd_names_become_names(tmp_path, odd):
    members = {f"{odd}_1_assignsubmission_file_/02_neuron.ipynb": ONE, "Ada_2_assignsubmission_file_/a.ipynb": TWO}
    path = zipped(tmp_path / "class.zip", members)
    found = collect.collect([path], UNIT)
    assert sorted(work(found).values()) == [ONE, TWO]
    for name in found.sources:
        assert name.isprintable() and len(name.encode()) <= 150 and not name.startswith(".") and "/" not in name
        assert (tmp_path / name).parent == tmp_path


def test_names_that_are_cleaned_alike_stay_two(tmp_path):
    members = {f"Ada{c}_1_assignsubmission_file_/02_neuron.ipynb": ONE for c in "\x01\x02_"}
    assert len(taken(zipped(tmp_path / "class.zip", members))) == 3


def test_names_of_any_alphabet(tmp_path):
    """With the flag for UTF-8; with UTF-8 and no flag, as macOS writes; decomposed, as macOS does too."""
    names = ["José García_1", "Łukasz Żółć_2", "李小龍_3", "محمد_4", "Ünal Öz_5"]
    members = {f"{name}_assignsubmission_file_/02_neuron.ipynb": ONE for name in names}
    path = zipped(tmp_path / "class.zip", members)
    assert set(taken(path)) == set(names)
    apart = {unicodedata.normalize("NFD", name): data for name, data in members.items()}
    data = bytearray(zipped(None, apart))
    for mark, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):  # take the flag away
        start = 0
        while (start := data.find(mark, start)) >= 0:
            data[start + at] &= ~8
            start += 4
    path.write_bytes(data)
    assert set(taken(path)) == set(names)


def test_names_in_the_old_code_page(tmp_path):
    made = zipfile.ZipInfo("x")
    made.filename = "Jos\xe9_1_assignsubmission_file_/02_neuron.ipynb"
    data = zipped(None, {made.filename.replace("\xe9", "?"): ONE}).replace(b"Jos?", b"Jos\x82")
    path = tmp_path / "class.zip"
    path.write_bytes(data)
    assert taken(path) == {"José_1": ONE}


def test_an_archive_that_changes_meanwhile_stops_the_class(tmp_path):
    path = zipped(tmp_path / "class.zip", {"ada.ipynb": ONE})
    source = collect.collect([path], UNIT).sources["ada"]
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(archive.BadArchive, match="was changed while it was read"):
        source.read()


# folders


def test_links_are_not_followed(tmp_path):
    secret = laid(tmp_path / "secret", {"answers.ipynb": ONE, "02_neuron/02_neuron.ipynb": ONE})
    inbox = laid(tmp_path / "submitted", {"bob/02_neuron/02_neuron.ipynb": TWO})
    (inbox / "ada" / UNIT).mkdir(parents=True)
    (inbox / "ada" / UNIT / f"{UNIT}.ipynb").symlink_to(secret / "answers.ipynb")
    (inbox / "cy").mkdir()
    (inbox / "cy" / UNIT).symlink_to(secret / UNIT)
    (inbox / "dee").symlink_to(secret)
    os.makedirs(inbox / "eve" / UNIT)
    os.mkfifo(inbox / "eve" / UNIT / f"{UNIT}.ipynb")
    found = collect.collect([inbox], UNIT)
    assert set(found.sources) == {"ada", "bob", "cy", "eve"}
    assert found.sources["bob"].read() == TWO
    for student in ("ada", "eve"):
        with pytest.raises(OSError, match="it is"):
            found.sources[student].read()
    with pytest.raises(Unreadable):
        found.sources["cy"].read()
    assert any("dee" in note for note in found.notes)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(CollectError, match=r"gone\.zip is not there\."):
        collect.collect([tmp_path / "gone.zip"], UNIT)


def test_nothing_is_read_before_its_turn(tmp_path, monkeypatch):
    files = {f"s{i}_{i}_{1000 + i}_02_neuron.ipynb": ONE for i in range(50)}
    zip_, folder = zipped(tmp_path / "c.zip", files), laid(tmp_path / "f", {f"t{i}.ipynb": ONE for i in range(50)})
    reads = []
    for module, name in ((archive, "_member"), (ascribe, "read_submission")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, real=real: reads.append(1) or real(*a))
    found = collect.collect([zip_, folder], UNIT)
    assert len(found.sources) == 100 and reads == []
    assert set(work(found).values()) == {ONE} and len(reads) == 100


# files beside the notebook


def test_the_units_files_come_along_and_no_others(given_as):
    inner = zipped(None, {"02_neuron.ipynb": ONE, "words.txt": b"zip", "numpy.py": b"evil", "sub/words.txt": b"no"})
    folder = "Ada_1_assignsubmission_file_"
    path = given_as(
        {
            "submitted/ada/02_neuron/02_neuron.ipynb": ONE,
            "submitted/ada/02_neuron/words.txt": b"tree",
            "submitted/ada/02_neuron/numpy.py": b"evil",
            f"{folder}/02_neuron.ipynb": ONE,
            f"{folder}/words.txt": b"moodle",
            f"{folder}/deep/words.txt": b"no",
            "bob_2_100_02_neuron.ipynb": ONE,
            "bob_2_101_words.txt": b"older",
            "bob_2_102_words-1.txt": b"canvas",
            "cy_3_100_work.zip": inner,
        }
    )
    found = collect.collect([path], UNIT, ["words.txt"])
    expected = {"ada": b"tree", "Ada_1": b"moodle", "bob_2": b"canvas", "cy_3": b"zip"}
    assert set(found.sources) == set(expected)
    for student, data in work(found).items():
        packed = pack.unpack(data, ["words.txt"])
        assert packed.notebook == ONE and packed.files == {"words.txt": expected[student]} and packed.evidence == []
    assert any("numpy.py" in note for note in found.notes)
    assert taken(path)["ada"] == ONE  # a unit without a list takes none, and the bytes are the notebook's own


def test_a_file_that_is_too_large_is_left_out_and_named(given_as):
    big = bytes(pack.MAX_FILE + 1)
    path = given_as({"submitted/ada/02_neuron/02_neuron.ipynb": ONE, "submitted/ada/02_neuron/words.txt": big})
    (data,) = taken(path, allowed=["words.txt"]).values()
    packed = pack.unpack(data, ["words.txt"])
    assert packed.files == {} and packed.notes == ["words.txt was left out: ordinary files of at most 1 MB are taken"]


@given(st.binary(max_size=60), st.dictionaries(st.sampled_from(["a.txt", "b.csv"]), st.binary(max_size=40)))
def test_a_pack_is_what_was_put_in(notebook, files):
    data = pack.pack(notebook, files)
    assert (data == notebook) == (not files and not notebook.startswith(pack.MAGIC))
    packed = pack.unpack(data, ["a.txt", "b.csv"])
    assert (packed.notebook, packed.files, packed.evidence) == (notebook, files, [])
    assert data == pack.pack(notebook, dict(reversed(files.items())))


def test_a_forged_pack_names_nothing_that_the_unit_does_not():
    files = {"a.txt": b"1", "../../x": b"2", "numpy.py": b"3"}
    mine = pack.pack(ONE, files)
    packed = pack.unpack(mine, ["a.txt"])
    assert packed.files == {"a.txt": b"1"} and packed.notebook == ONE
    assert packed.evidence == ["the submission carried 2 file(s) that the unit does not take: left out"]
    # as the notebook of a submission it is wrapped, and then it is no notebook
    assert pack.unpack(pack.pack(mine, {}), ["a.txt"]).notebook == mine


@given(st.binary(max_size=200))
def test_what_only_begins_like_a_pack_is_unreadable(rest):
    try:
        packed = pack.unpack(pack.MAGIC + rest, ["a.txt"])
    except Unreadable as error:
        assert ".ipynb" in str(error)
    else:
        assert set(packed.files) <= {"a.txt"}


@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "[]",
        '{"notebook": -1, "files": {}, "missing": []}',
        '{"notebook": true, "files": {}, "missing": []}',
        '{"notebook": 9, "files": {}, "missing": []}',
        '{"notebook": 2, "files": {"a.txt": -2}, "missing": []}',
        '{"notebook": 0, "files": [1], "missing": []}',
        '{"notebook": 0, "files": {}, "missing": 5}',
        "[" * 60000,
    ],
)
def test_headers_that_lie_are_unreadable(header):
    with pytest.raises(Unreadable):
        pack.unpack(pack.MAGIC + header.encode() + b"\n", ["a.txt"])


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ('["words.txt", "a_b.csv"]', ""),
        ('"words.txt"', "takes a list"),
        ("[1]", "takes a list"),
        ('["../words.txt"]', "cannot be taken"),
        ('["sub/words.txt"]', "cannot be taken"),
        ('[".profile"]', "cannot be taken"),
        ('["numpy.py"]', "cannot be taken"),
        ('["x.ipynb"]', "cannot be taken"),
        ('["words-1.txt"]', "cannot be taken"),
    ],
)
def test_the_list_of_a_unit(tmp_path, files, fault):
    path = write(tmp_path, SOURCE.replace("# %% setup", f"# %% setup files={files}"))
    if fault:
        with pytest.raises(SourceErrors, match=fault):
            load_unit(path)
    else:
        assert load_unit(path).files == ["a_b.csv", "words.txt"]


# from the command line, in a sandbox

WITH_FILES = SOURCE.replace("# %% setup", '# %% setup files=["words.txt"]').replace(
    "import gradus\n", "import os\n\nimport gradus\n\nHERE = sorted(os.listdir('.'))\n", 1
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    bundle = Bundle.load(write(tmp_path_factory.mktemp("collect"), WITH_FILES))
    return SimpleNamespace(bundle=bundle, solved=solved_notebook(bundle.unit))


READS = """
import stat
def softmax(z):
    assert HERE == ["words.txt"], HERE
    found = os.lstat("words.txt")
    assert stat.S_ISREG(found.st_mode)
    assert open("words.txt").read() == "hello"
    shifted = np.exp(z - z.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
"""


@pytest.fixture
def boxed():
    """Grading needs a sandbox."""
    try:
        return sandbox.choose("auto")
    except sandbox.SandboxError as error:
        pytest.skip(f"no sandbox works here: {str(error).splitlines()[0]}")


def test_a_units_file_lies_in_the_students_folder_before_the_setup_cells(made, boxed, tmp_path):
    if boxed not in ("bubblewrap", "bubblewrap-cold"):
        pytest.skip("bubblewrap does not work here")
    unit = made.bundle.unit.name
    text = to_text(filled(made.solved, {"softmax": READS})).encode()
    tree = laid(
        tmp_path / "submitted",
        {
            f"ada/{unit}/{unit}.ipynb": text,
            f"ada/{unit}/words.txt": b"hello",
            f"ada/{unit}/other.txt": b"not on the list",
            f"bob/{unit}/{unit}.ipynb": text,
            f"eve/{unit}/{unit}.ipynb": pack.pack(text, {"words.txt": b"hello", "evil.txt": b"x"}),
        },
    )
    found = collect.collect([tree], unit, made.bundle.unit.files)
    course = Course(tmp_path / "course")
    course.prepare(made.bundle.unit)
    with Workplace(made.bundle.to_bytes()) as place:
        summary = grade_class(made.bundle, found.sources, course, place)
        straight = place.examine(pack.pack(text, {"words.txt": b"hello", "evil.txt": b"x"}))
    assert {s: (r.score, r.outcome) for s, r in summary.results.items()} == {
        "ada": (6, "graded"),
        "bob": (2, "graded"),
        "eve": (0, "unreadable"),
    }
    assert b"that the unit does not take" in straight  # the examiner asks again
    assert set(unchanged(made.bundle, found.sources, course)) == {"ada", "bob", "eve"}
    (tree / "ada" / unit / "words.txt").write_bytes(b"hello!")
    assert set(unchanged(made.bundle, found.sources, course)) == {"bob", "eve"}  # other files, other work


@pytest.fixture
def project(tmp_path, monkeypatch):
    write(tmp_path, SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_canvas_download_from_the_command_line(project, boxed):
    unit = load_unit(project / "solutions" / "99_tiny.py")
    solved = to_text(solved_notebook(unit)).encode()
    zipped(
        project / "submissions.zip",
        {
            "lovelaceada_1_100_99_tiny.ipynb": solved,
            "turingalan_2_101_99_tiny.pdf": b"%PDF",
            "hopper_LATE_3_102_work.zip": zipped(None, {"99_tiny.ipynb": solved}),
        },
    )
    done = CliRunner().invoke(main, ["grade", "99", "submissions.zip"])
    assert done.exit_code == 0, done.output
    assert Course("grading").scores("99_tiny") == {"lovelaceada_1": 6, "turingalan_2": 0, "hopper_3": 6}
    assert "turingalan_2: 0 / 6, unreadable, 0.0 s: No notebook was handed in, but 99_tiny.pdf." in done.output
    assert "turingalan_2 (99_tiny.pdf)" in done.output and "late" in done.output and "hopper_3" in done.output
    again = CliRunner().invoke(main, ["grade", "99", "submissions.zip"])
    assert again.exit_code == 0 and "3 graded before and unchanged" in again.output


def test_times_of_submission_reach_the_gradebook(project, boxed):
    from nbgrader.api import Gradebook

    unit = load_unit(project / "solutions" / "99_tiny.py")
    solved = to_text(solved_notebook(unit)).encode()
    laid(
        project / "elsewhere" / "ada" / "99_tiny",
        {"99_tiny.ipynb": solved, "timestamp.txt": b"2026-11-24 18:00:00 UTC"},
    )
    assert CliRunner().invoke(main, ["grade", "99", "elsewhere"]).exit_code == 0
    with Gradebook(Course("grading").db_url, "gradus") as book:
        assert str(book.find_submission("99_tiny", "ada").timestamp) == "2026-11-24 18:00:00"
    late = CliRunner().invoke(main, ["grade", "99", "elsewhere", "--since", "2026-11-25"])
    assert late.exit_code == 0 and "Nothing was handed in since" in late.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["99_tyni", "c.zip"], "Did you mean 99_tiny?"),
        (["99", "empty"], "Looked for notebooks (.ipynb), STUDENT/99_tiny/99_tiny.ipynb"),
        (["99", "letters"], "There is only a.txt, c.zip. An archive must be named itself: letters/c.zip."),
        (["99", "empty.zip"], "No submission found (looked at empty.zip)"),
        (["99", "broken.zip"], "broken.zip is no zip, or a damaged one"),
        (["99", "c.zip", "--only", "lovelace"], "Did you mean lovelaceada_1?"),
        (["99", "c.zip", "--since", "2d"], "--since does not work here"),
    ],
)
def test_what_is_asked_wrongly_gets_one_clear_message(project, arguments, says):
    (project / "empty").mkdir()
    zipped(project / "c.zip", {"lovelaceada_1_100_99_tiny.ipynb": ONE})
    zipped(project / "empty.zip", {})
    (project / "broken.zip").write_bytes(b"PK")
    laid(project / "letters", {"a.txt": b"x", "c.zip": b"x"})
    done = CliRunner().invoke(main, ["grade", *arguments])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    (line,) = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    assert says in line and not (project / "grading").exists()
