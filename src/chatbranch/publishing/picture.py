"""The card as a picture (PNG): large type, readable on a phone, and always the same bytes for the same verdict and language.

The font is Noto Sans CJK (SIL Open Font License 1.1), Regular, from a package; bold is its outline drawn thicker. What the font
has no character for shows as its box, so that nothing is left out unseen.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache, lru_cache

import qrcode
from noto_cjk_sans_otc import FONT_PATH
from PIL import Image, ImageDraw, ImageFont

from chatbranch.publishing.cards import Words
from chatbranch.publishing.lines import wrap

WIDTH = 1080  # pixels: what a phone's screen has
MARGIN = 72
INK, QUIET, PAPER, LINE = "#1c2126", "#565d65", "#fbfaf6", "#d8d3c6"
COLOURS = {
    "true": "#17663f",
    "mostly-true": "#0d6470",
    "misleading": "#855300",
    "false": "#aa2a1f",
    "unknown": "#4d5566",
    "withdrawn": "#635c55",
}
LONGEST_HEADLINE = 9  # lines
QUIET_ZONE = 4  # modules around a QR code (ISO/IEC 18004)
MODULE = 8  # pixels
_FACES = {"zh-Hans": 2, "zh-Hant": 3, "en": 2}
"""Which of the collection's faces draws a language: the same characters look different in Shanghai and in Taipei."""


@lru_cache(maxsize=64)
def draw(words: Words) -> bytes:
    """The card with these words. Takes a tenth of a second: not on an event loop."""
    canvas = _Canvas(words.lang)
    canvas.band(words)
    canvas.space(56)
    canvas.text(words.headline, 62, bold=True, most=LONGEST_HEADLINE, leading=1.36)
    canvas.space(36)
    if words.warning:
        canvas.text(words.warning, 44, colour=COLOURS[words.rating], bold=True)
        canvas.space(16)
    for fact in words.facts:
        canvas.text(fact, 40, colour=QUIET)
    canvas.space(40)
    canvas.foot(words)
    return canvas.png()


class _Canvas:
    """A picture that grows downwards: `y` is where the next thing goes."""

    def __init__(self, lang: str) -> None:
        self.face = _FACES[lang]
        self.y = 0
        self.later: list[Callable[[ImageDraw.ImageDraw, Image.Image], None]] = []

    def space(self, height: int) -> None:
        self.y += height

    def text(
        self,
        text: str,
        size: int,
        *,
        colour: str = INK,
        bold: bool = False,
        most: int = 4,
        left: int = MARGIN,
        width: int = WIDTH - 2 * MARGIN,
        leading: float = 1.42,
    ) -> None:
        """Text, broken into lines."""
        font = _font(self.face, size)
        for line in wrap(text, width, font.getlength, most):
            self._put(line, left, self.y, font, colour, bold=bold)
            self.y += round(size * leading)

    def _put(
        self, line: str, x: int, y: int, font: ImageFont.FreeTypeFont, colour: str, *, bold: bool
    ) -> None:
        thick = round(font.size / 40) if bold else 0
        self.later.append(lambda on, _: on.text((x, y), line, colour, font, stroke_width=thick))

    def band(self, words: Words) -> None:
        """The branch's name, and the rating: its shape and its word, for colour alone is not enough."""
        self.space(44)
        self.text(words.branch, 40, colour=QUIET, most=1)
        top = self.y + 24
        word = _font(self.face, 104)
        size = min(104, int(104 * (WIDTH - 2 * MARGIN - 176) / max(1.0, word.getlength(words.rating_name))))
        bottom = top + (280 if words.note else 216)
        colour = COLOURS[words.rating]
        self.later.append(lambda on, _: on.rectangle((0, top, WIDTH, bottom), colour))
        self.later.append(
            lambda _, image: image.paste(_mark(words.rating), (MARGIN, top + 40), _mark(words.rating))
        )
        self.y = top + 108 - round(size * 0.72)
        self.text(words.rating_name, size, colour="#ffffff", bold=True, most=1, left=MARGIN + 176)
        if words.note:
            self.y = top + 188
            self.text(
                words.note, 48, colour="#ffffff", most=1, left=MARGIN + 176, width=WIDTH - 2 * MARGIN - 176
            )
        self.y = bottom

    def foot(self, words: Words) -> None:
        """The card code, and a QR code that leads to what it stands for."""
        code = _qr(words.url)
        top, left = self.y, WIDTH - MARGIN - code.width
        self.later.append(lambda on, _: on.line((MARGIN, top, WIDTH - MARGIN, top), LINE, 3))
        self.later.append(lambda _, image: image.paste(code, (left, top + 36)))
        self.space(52)
        width = left - MARGIN - 40
        self.text(words.code_name, 38, colour=QUIET, most=1, width=width)
        self.text(words.code, 62, bold=True, most=1, width=width)
        self.space(12)
        self.text(words.hint, 38, colour=QUIET, most=5, width=width)
        self.y = max(self.y, top + 36 + code.height) + 56

    def png(self) -> bytes:
        image = Image.new("RGB", (WIDTH, self.y), PAPER)
        on = ImageDraw.Draw(image)
        for put in self.later:
            put(on, image)
        packed = io.BytesIO()
        image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
            packed, "PNG", optimize=True
        )
        return packed.getvalue()


@cache
def _font(face: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_PATH), size, index=face, layout_engine=ImageFont.Layout.BASIC)


def _qr(url: str) -> Image.Image:
    """A quarter of it may be lost and it is still read (level Q): chats press pictures hard."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=QUIET_ZONE)
    code.add_data(url, optimize=0)
    code.make()
    rows = code.get_matrix()
    image = Image.new("L", (len(rows), len(rows)))
    image.putdata([0 if dark else 255 for row in rows for dark in row])
    return image.resize((len(rows) * MODULE, len(rows) * MODULE), Image.Resampling.NEAREST).convert("RGB")


@cache
def _mark(rating: str) -> Image.Image:
    """The rating's shape, as on the pages (claims/_mark.html), white; drawn large, so that its edges are smooth when it is made
    small."""
    unit = 24  # of those 24 by 24 units, pixels each
    image = Image.new("RGBA", (24 * unit, 24 * unit))
    on = ImageDraw.Draw(image)

    def scaled(*at: float) -> list[float]:
        return [each * unit for each in at]

    def stroke(colour: str, *points: float) -> None:
        on.line(scaled(*points), colour, round(2.6 * unit), joint="curve")
        for x, y in zip(points[::2], points[1::2], strict=True):
            on.ellipse(scaled(x - 1.3, y - 1.3, x + 1.3, y + 1.3), colour)

    white, cut = "#ffffff", COLOURS[rating]
    match rating:
        case "true":
            on.ellipse(scaled(1, 1, 23, 23), white)
            stroke(cut, 6.8, 12.4, 10.4, 16, 17.2, 8.4)
        case "false":
            on.rounded_rectangle(scaled(1.5, 1.5, 22.5, 22.5), 3.3 * unit, white)
            stroke(cut, 7.8, 7.8, 16.2, 16.2)
            stroke(cut, 16.2, 7.8, 7.8, 16.2)
        case "misleading":
            on.polygon(scaled(12, 1.8, 23.4, 21.6, 0.6, 21.6), white)
            stroke(cut, 12, 9, 12, 14.4)
            stroke(cut, 12, 18.2, 12, 18.3)
        case _:
            on.ellipse(scaled(1, 1, 23, 23), outline=white, width=round(2.4 * unit))
            if rating == "mostly-true":
                stroke(white, 7.4, 12.4, 10.6, 15.6, 16.6, 8.8)
            elif rating == "withdrawn":
                stroke(white, 7, 12, 17, 12)
            else:
                on.arc(scaled(8.6, 5.6, 15.4, 12.4), 170, 75, white, round(2.4 * unit))
                stroke(white, 12, 12.4, 12, 14.4)
                stroke(white, 12, 18, 12, 18.1)
    return image.resize((136, 136), Image.Resampling.LANCZOS)
