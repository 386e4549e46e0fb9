"""Pictures in colours, JPEG or PNG, which are decoded within limits."""

import mmap
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from deblend.errors import DeblendError
from PIL import Image, UnidentifiedImageError

#: Formats that are read. Pillow knows others, for some of which it runs other programs.
FORMATS = ("JPEG", "PNG")
#: Most pixels of a picture.
MAX_PIXELS = 50_000_000
#: What Pillow raises of broken files.
BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, LookupError),
    *(ArithmeticError, TypeError, Image.DecompressionBombError),
)


@contextmanager
def open_picture(path: str | Path) -> Iterator[Image.Image]:
    """Yield a picture that has been decoded.

    Raises
    ------
    DeblendError
        It cannot be read, or has more than `MAX_PIXELS`.
    """
    with ExitStack() as stack:
        try:
            with warnings.catch_warnings():
                # It has a limit of its own, and metadata do not matter.
                warnings.filterwarnings("ignore", module="PIL")
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                file = stack.enter_context(open(path, "rb"))
                # Parts say how long they are: of this, no more is taken than there is.
                whole = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                image = stack.enter_context(Image.open(cast(IO[bytes], whole), formats=FORMATS))
        except Image.DecompressionBombError as error:
            raise _too_large(path) from error
        except BROKEN as error:
            raise _unreadable(path, error) from error
        if image.width * image.height > MAX_PIXELS:
            raise _too_large(path)
        try:
            image.load()
        except BROKEN as error:
            raise _unreadable(path, error) from error
        yield image


def _too_large(path: str | Path) -> DeblendError:
    return DeblendError(f"{path} has more than {MAX_PIXELS} pixels: cut it into smaller pictures")


def _unreadable(path: str | Path, error: Exception) -> DeblendError:
    # Pillow's own words have no name of the file here.
    problem = "it is of another format" if isinstance(error, UnidentifiedImageError) else error
    return DeblendError(
        f"{path} cannot be read as an image ({problem}): give a whole {' or '.join(FORMATS)} file"
    )
