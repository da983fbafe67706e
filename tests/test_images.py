"""Images: what their bytes say, and hostile files, paths and URLs."""

from __future__ import annotations

import base64
import os
import pickle
from pathlib import Path

import pytest

from reasoning.errors import InputError, UsageError
from reasoning.images import MAX_BYTES, Image
from reasoning.problem import Problem
from tests.image_files import gif, jpeg, png, png_that_states, webp

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("data", "media_type", "size"),
    [
        (png(), "image/png", (2, 3)),
        (jpeg(), "image/jpeg", (4, 5)),
        (gif(), "image/gif", (6, 7)),
        (webp("VP8X"), "image/webp", (8, 9)),
        (webp("VP8L"), "image/webp", (8, 9)),
        (webp("VP8 "), "image/webp", (8, 9)),
    ],
)
def test_format_and_size_are_those_of_the_bytes(data: bytes, media_type: str, size: tuple[int, int]) -> None:
    image = Image.from_bytes(data, name="picture.svg")
    assert (image.media_type, image.width, image.height) == (media_type, *size)


@pytest.mark.parametrize("make", [png, jpeg, gif, webp])
def test_a_truncated_image_is_refused_at_every_length(make: object) -> None:
    data = make()  # type: ignore[operator]
    for length in range(len(data) - 1):
        with pytest.raises(InputError):
            Image.from_bytes(data[:length])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (SVG, "got SVG, which models do not take; convert it to PNG"),
        (b"", "got no bytes"),
        (b"<!DOCTYPE html><html>", "got a web page"),
        (b"%PDF-1.7", "got PDF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (png_that_states(100_000, 100_000), "at most 100 million pixels, this one states 100,000 × 100,000"),
        (png_that_states(0, 7), "the PNG image is truncated or damaged"),
        (b"RIFF\xff\xff\xff\xffWEBP" + webp()[12:], "the WEBP image is truncated"),
        (b"\xff\xd8\xff\xe0\0\0" + bytes(40) + b"\xff\xd9", "the JPEG image is truncated or damaged"),
        (png() + bytes(MAX_BYTES), "at most 20 MB"),
    ],
)
def test_hostile_bytes_are_refused_with_what_they_are(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Image.from_bytes(data)


def test_a_path_from_data_stays_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "charts").mkdir(parents=True)
    (folder / "charts" / "a.png").write_bytes(png())
    (tmp_path / "secret.png").write_bytes(png(7, 7))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "inner.png").symlink_to(folder / "charts" / "a.png")
    (folder / "up").symlink_to(tmp_path)
    assert Image.read(folder / "charts/a.png", within=folder).width == 2
    assert Image.read(folder / "inner.png", within=folder).width == 2
    for name in ("../secret.png", "charts/../../secret.png", "link.png", "up/secret.png", str(tmp_path / "secret.png")):
        with pytest.raises(InputError, match="must be in the folder"):
            Image.read(folder / name, within=folder)


def test_a_file_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Image.read(tmp_path / "missing.png")
    with pytest.raises(InputError):
        Image.read(tmp_path)
    with pytest.raises(InputError):
        Image.read(tmp_path / "a\0b.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="must be a regular file"):
        Image.read(tmp_path / "pipe.png")
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    with pytest.raises(InputError):
        Image.read(loop)


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    path.write_bytes(png())
    image = Image.of(path)
    assert image == Image.of(str(path)) == Image.of(png()) == Image.of(image)
    assert image == Image.of(f"data:image/gif;base64,{base64.b64encode(png()).decode()}")
    assert str(image) == "chart.png, PNG, 2 × 3, 70 bytes"
    assert image.address == f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    assert Image.of(png()) != Image.of(png(colour=1))
    assert pickle.loads(pickle.dumps(image)).data == png()
    with pytest.raises(InputError, match="valid base64"):
        Image.of("data:image/png;base64,!!!")
    with pytest.raises(UsageError, match="a path, bytes or a URL"):
        Image.of(7)  # type: ignore[arg-type]


def test_a_url_is_kept_and_never_fetched() -> None:
    image = Image.of("https://example.invalid/a.png")
    assert image.address == str(image) == "https://example.invalid/a.png"
    assert image.to_json() == {"url": "https://example.invalid/a.png"}
    assert Image.from_json(image.describe()) == image
    with pytest.raises(InputError):
        Image.of("file:///etc/passwd")


def test_an_image_is_read_back_without_its_bytes() -> None:
    image = Image.from_bytes(png(), name="a.png")
    back = Image.from_json(image.describe())
    assert (back, back.name, back.width, back.data) == (image, "a.png", 2, b"")
    with pytest.raises(UsageError, match="bytes of the image a"):
        _ = back.address
    for wrong in ({}, {"sha256": "x", "media_type": "image/png"}, {"url": 7}, {"url": "u", "sha256": "0" * 64}, 7, []):
        with pytest.raises((ValueError, TypeError, KeyError)):
            Image.from_json(wrong)


def test_a_problem_takes_sources_and_shows_hashes() -> None:
    problem = Problem("What is it?", images=[png(), "https://example.org/a.png"])
    assert problem.images == (Image.of(png()), Image.of("https://example.org/a.png"))
    assert Problem("What is it?", images=png()).images == (Image.of(png()),)  # type: ignore[arg-type]
    assert Image.of(png()).sha256 in repr(Problem("What is it?", images=[png()]))
    assert repr(Problem("What is it?")) == "Problem(question='What is it?')"


def test_a_notebook_shows_a_problem_with_its_images_escaped() -> None:
    named = Image.from_bytes(png(), name='"><script>alert(1)</script>.png')
    url = Image.of('https://example.org/"onerror="alert(1)".png')
    html = Problem("<b>What?</b>", images=[named, url])._repr_html_()
    assert html.count("<img ") == 1
    assert f'src="data:image/png;base64,{base64.b64encode(png()).decode()}"' in html
    assert "<script>" not in html
    assert "<b>What?" not in html
    assert 'onerror="alert' not in html


@pytest.mark.parametrize(
    "source", ["https://a b/c.png", "ftp://host/c.png", "file:///c.png", "data:text/html,c", "http://"]
)
def test_another_url_is_not_taken_for_a_path(source: str) -> None:
    with pytest.raises(InputError, match="the URL of an image must be https"):
        Image.of(source)
