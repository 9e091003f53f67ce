"""Images of brands: a small PNG without metadata, or a reason why there is none."""

import struct
import zlib
from io import BytesIO
from random import Random

import pytest
from PIL import Image, PngImagePlugin

from kontor.accounts.image_coding import FILE_LIMIT, SOURCE_LIMIT, InvalidImage, recode
from kontor.kernel.failure_causes import FailureCause

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SECRET = "GPS 52.5 13.4"


def encoded(pixels: Image.Image, form: str, **options: object) -> bytes:
    out = BytesIO()
    pixels.save(out, form, **options)
    return out.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has as many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(64))) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "ICO", "BMP"])
def test_every_format_becomes_a_png_without_what_it_carried(form: str) -> None:
    pixels = Image.new("RGB", (64, 48), "#336699")
    picture = recode(encoded(pixels, form, **({"sizes": [(64, 48)]} if form == "ICO" else {})))
    made = Image.open(BytesIO(picture.content))
    assert (made.format, max(made.size)) == ("PNG", 64)
    assert made.convert("RGB").getpixel((30, 20))[2] in range(0x90, 0xA3)  # type: ignore[index]  # RGB is a tuple


def test_metadata_and_trailing_bytes_are_dropped() -> None:
    pixels, text = Image.new("RGBA", (8, 8), (1, 2, 3, 0)), PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET)
    picture = recode(encoded(pixels, "PNG", pnginfo=text) + b"<script>alert(1)</script>")
    assert SECRET.encode() not in picture.content
    assert b"script" not in picture.content
    assert Image.open(BytesIO(picture.content)).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]  # RGBA


def test_large_picture_is_made_small_in_pixels_and_bytes() -> None:
    noise = Image.frombytes("RGB", (700, 350), Random(7).randbytes(700 * 350 * 3))
    picture = recode(encoded(noise, "PNG"))
    assert len(picture.content) <= FILE_LIMIT
    assert picture.width <= 512
    assert picture.width == 2 * picture.height


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (SVG, FailureCause.NOT_AN_IMAGE),
        (b"", FailureCause.NOT_AN_IMAGE),
        (b"<html>not found</html>", FailureCause.NOT_AN_IMAGE),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", FailureCause.NOT_AN_IMAGE),
        (encoded(Image.new("RGB", (64, 64)), "PNG")[:60], FailureCause.IMAGE_DAMAGED),
        (bomb(4_001, 4_000), FailureCause.IMAGE_TOO_LARGE),
        (bomb(40_000, 40_000), FailureCause.IMAGE_TOO_LARGE),
        (bomb(0, 5), FailureCause.NOT_AN_IMAGE),
        (bytes(SOURCE_LIMIT + 1), FailureCause.IMAGE_TOO_LARGE),
    ],
    ids=["svg", "nothing", "html", "eps", "cut", "many pixels", "bomb", "no pixels", "many bytes"],
)
def test_file_is_refused_with_its_cause_when_it_is_no_safe_picture(content: bytes, cause: FailureCause) -> None:
    with pytest.raises(InvalidImage) as error:
        recode(content)
    assert error.value.cause is cause


def test_icon_is_refused_when_the_picture_inside_is_a_bomb() -> None:
    inner = bomb(30_000, 30_000)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22)
    with pytest.raises(InvalidImage) as error:
        recode(struct.pack("<HHH", 0, 1, 1) + entry + inner)
    assert error.value.cause is FailureCause.IMAGE_TOO_LARGE
