from __future__ import annotations

import contextlib
import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.models import Finding
from recordings.sources import Folder, SourceError, place_of
from recordings.storage import file_name_of, safe_name

REMOTE = "/var/lib/freeswitch/recordings"
PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        "a",
        "etc",
        "passwd",
        "{a=b}",
        "{",
        "}",
        "\x00",
        "\n",
        "�",
        "x" * 300,
        "..\\..",
        "%2e%2e",
        "녹음",
        "~",
        "$HOME",
        "`id`",
        ";",
        "link",
        "inside",
        "secret",
        "recordings",
        "var",
        "lib",
        "freeswitch",
    ]
)
PATHS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=8).map("/".join),
    st.lists(PIECES, max_size=8).map(lambda pieces: "/".join([REMOTE, *pieces])),
    st.lists(PIECES, max_size=8).map(lambda pieces: "{a=b}" + "/".join([REMOTE, *pieces])),
)


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mapped folder among secrets, with links that lead out of it."""
    base = tmp_path_factory.mktemp("trap")
    (base / "secret").write_bytes(b"secret")
    mapped = base / "mapped"
    (mapped / "inside").mkdir(parents=True)
    (mapped / "a").write_bytes(b"mine")
    (mapped / "inside" / "a").write_bytes(b"mine")
    (mapped / "link").symlink_to(base)
    (mapped / "passwd").symlink_to("/etc/passwd")
    (mapped / "inside" / "secret").symlink_to(base / "secret")
    return mapped


def read(path: str, mapped: Path) -> bytes | None:
    place = place_of(path, {REMOTE: str(mapped)})
    with ExitStack() as opened:
        file = opened.enter_context(Folder(place)).open(place.name)
        return opened.enter_context(file).read() if file else None


@given(path=PATHS)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_leads_out_of_the_mapped_folder(path: str, trap: Path) -> None:
    with contextlib.suppress(SourceError):
        assert read(path, trap) in (None, b"mine")


@pytest.mark.parametrize(
    "path",
    [
        f"{REMOTE}/../secret",
        f"{REMOTE}/link/secret",
        f"{REMOTE}/passwd",
        f"{REMOTE}/inside/secret",
        f"{REMOTE}/inside",
        f"{REMOTE}",
        f"{REMOTE}/",
        f"{REMOTE}er/a",
        "/etc/passwd",
        "a",
        "",
        f"{REMOTE[1:]}/a",
        f"{REMOTE}/a\0.wav",
        f"{REMOTE}/\udcff",
        f"{REMOTE}/{'x' * 256}",
        f"{REMOTE}/{'x/' * 3000}a",
    ],
)
def test_hostile_paths_are_refused_for_good(path: str, trap: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read(path, trap)
    assert caught.value.finding == Finding.OUTSIDE
    assert caught.value.permanent


@pytest.mark.parametrize(
    "path", [f"{REMOTE}/a", f"{REMOTE}//./a", f"{{x=y}}{REMOTE}/a", f"{REMOTE}/inside/a"]
)
def test_paths_inside_are_found(path: str, trap: Path) -> None:
    assert read(path, trap) == b"mine"


def test_the_longest_mapping_leads(tmp_path: Path) -> None:
    mapping = {"/": str(tmp_path), "/var": "/nowhere", f"{REMOTE}/": str(tmp_path / "longest")}
    place = place_of(f"{REMOTE}/2026/x.wav", mapping)
    assert (place.root, place.folders, place.name) == (tmp_path / "longest", ("2026",), "x.wav")
    assert place.remote("y.wav") == f"{REMOTE}/2026/y.wav"
    assert place_of("/srv/x.wav", mapping).remote("x.wav") == "/srv/x.wav"


def test_a_pipe_is_no_file_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(SourceError):
        read(f"{REMOTE}/a", tmp_path)


def test_only_the_very_file_that_was_seen_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with Folder(place_of(f"{REMOTE}/a", {REMOTE: str(tmp_path)})) as folder:
        seen = path.stat()
        path.write_bytes(b"another")
        assert not folder.remove("a", seen)
        assert folder.remove("a", path.stat())
        assert folder.remove("a", seen)
    assert not path.exists()


@given(name=st.text(max_size=400))
def test_names_for_people_fit_every_disk_and_header(name: str) -> None:
    safe = safe_name(name)
    assert not set(safe) & set('<>:"/\\|?*\r\n\0')
    assert len(safe.encode()) <= 180
    assert safe == safe.strip(" .")
    assert "\u202e" not in safe


def test_a_name_that_has_nothing_safe_is_the_recordings_id() -> None:
    from recordings.models import Recording

    recording = Recording(path=f"{REMOTE}/...")
    assert file_name_of(recording, "wav") == f"{recording.pk.hex}.wav"
    assert file_name_of(Recording(path="{a=/b}/x/녹음 <1>.v2.wav"), "wav") == "녹음 _1_.v2.wav"
