"""Images from outside, made again: whatever arrives, a small PNG without metadata leaves, or a reason why not."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from kontor.kernel.errors import KontorError
from kontor.kernel.failure_causes import FailureCause

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "ICO", "BMP")
"""What is read; SVG, which can hold scripts and addresses, is not."""
SOURCE_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of what is read."""
MOST_PIXELS: Final = 16_000_000
"""Pixels of what is read: a small file can hold a picture that fills the memory."""
SIDES: Final = (512, 384, 256, 128)
"""Longest side in pixels; the next one is tried while the PNG is too large."""
FILE_LIMIT: Final = 200_000
"""Bytes of the PNG."""
DAMAGE: Final = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error, zlib.error,
)  # fmt: skip
"""What the decoders raise for broken files."""


class InvalidImage(KontorError):
    """A file cannot be the image of a brand; `cause` says why."""

    def __init__(self, cause: FailureCause) -> None:
        super().__init__("invalid_image", f"The image cannot be used: {cause}.", cause=cause.value)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and its size in pixels."""

    content: bytes
    width: int
    height: int


def recode(content: bytes) -> Picture:
    """Return a PNG of at most 512 x 512 pixels and 200 KB. Raises InvalidImage."""
    if len(content) > SOURCE_LIMIT:
        raise InvalidImage(FailureCause.IMAGE_TOO_LARGE)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow warns from here on, and refuses twice as many
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as source:
            source.draft("RGB", (SIDES[0], SIDES[0]))
            return _encoded(_pixels(source))
    except Image.DecompressionBombError as error:
        raise InvalidImage(FailureCause.IMAGE_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise InvalidImage(FailureCause.NOT_AN_IMAGE) from error
    except DAMAGE as error:
        raise InvalidImage(FailureCause.IMAGE_DAMAGED) from error


def _pixels(source: Image.Image) -> Image.Image:
    """Return the pixels alone: of a moving picture the first one, turned as the camera was, without metadata."""
    turned = ImageOps.exif_transpose(source)
    plain = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    plain.info.clear()
    return plain


def _encoded(pixels: Image.Image) -> Picture:
    for side in SIDES:
        pixels.thumbnail((side, side), Image.Resampling.LANCZOS)
        for candidate in (pixels, pixels.quantize(256, Image.Quantize.FASTOCTREE)):
            out = BytesIO()
            candidate.save(out, "PNG", optimize=True)
            if out.tell() <= FILE_LIMIT:
                return Picture(out.getvalue(), *pixels.size)
    raise InvalidImage(FailureCause.IMAGE_TOO_LARGE)
