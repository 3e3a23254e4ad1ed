"""Card codes in a picture that somebody forwards: read from its QR codes, as they survive what phones and chats do to pictures."""

from __future__ import annotations

import io
import logging

from chatbranch.claims.codes import find

MOST_PIXELS = 25_000_000
"""Of a larger picture nothing is read: it would take hundreds of megabytes to open. A large JPEG is opened at half its size, or less."""
_ENOUGH = (2048, 2048)
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
log = logging.getLogger(__name__)


def card_codes(data: bytes) -> list[str]:
    """The card codes in the QR codes of a picture. Empty, too, for a picture that is damaged. Takes up to a second."""
    import zxingcpp  # these two take a tenth of a second to load, which only a picture is worth
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            picture.draft("L", _ENOUGH)
            if picture.width * picture.height > MOST_PIXELS:
                return []
            grey = picture.convert("L")
        read = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    except (
        Exception
    ) as error:  # a decoder meets whatever strangers send: its every failure means "no code here"
        log.info("a picture could not be read (%s)", type(error).__name__)
        return []
    return list(dict.fromkeys(code for each in read for code in find(each.text)))
