"""Spellings in which a server may repeat a secret, and a search through them that is not the product's."""

from __future__ import annotations

import base64
import json
import quopri
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import quote, unquote

_NAMED = {"/": "&sol;", "+": "&plus;", "=": "&equals;", "_": "&lowbar;", ".": "&period;"}


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _mixed_case(text: str) -> str:
    return "".join(
        f"%{byte:02x}" if number % 2 else f"%{byte:02X}" for number, byte in enumerate(text.encode())
    )


def _units(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "percent, where it must be": lambda text: quote(text, safe=""),
    "percent": _percent,
    "percent in mixed case": _mixed_case,
    "percent twice": lambda text: _percent(_percent(text)),
    "percent three times": lambda text: quote(quote(_percent(text))),
    "JSON": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON's units": _units,
    "JSON's units in capitals": lambda text: _units(text).upper().replace("\\U", "\\u"),
    "JSON in JSON": lambda text: json.dumps(_units(text))[1:-1],
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(_units(text))[1:-1])[1:-1],
    "HTML by name": lambda text: "".join(_NAMED.get(one, one) for one in text),
    "HTML in decimals": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML in hexadecimals": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "HTML in capitals": lambda text: "".join(f"&#X{ord(one):04X};" for one in text),
    "HTML twice": lambda text: "".join(f"&amp;#{ord(one)};" for one in text),
    "HTML of percent": lambda text: _percent(text).replace("%", "&#37;"),
    "percent of HTML": lambda text: quote("".join(f"&#{ord(one)};" for one in text)),
    "quoted-printable": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "folded": lambda text: f"{text[:9]}\r\n {text[9:]}",
    "base64": lambda text: base64.b64encode(f"x {text} y".encode()).decode(),
    "base64 of something longer": lambda text: base64.b64encode(f"token: {text} and more".encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()).decode(),
    "hexadecimals": lambda text: text.encode().hex(),
}

_DECODINGS: tuple[Callable[[str], str], ...] = (
    unquote,
    unescape,
    lambda text: re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text),
    lambda text: re.sub(r'\\(["\\/])', r"\1", text),
    lambda text: text.replace("\r\n ", "").replace("\n ", ""),
    lambda text: quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace"),
)


def reveals(text: str, secret: str) -> bool:
    """True if `secret` can be read in `text` by whoever decodes it, again and again if need be."""
    return any(secret in one or _holds_coded(one, secret) for one in readings(text))


def readings(text: str) -> set[str]:
    """`text`, and whatever decodings make of it."""
    seen, waiting = set(), [text]
    while waiting:
        one = waiting.pop()
        seen.add(one)
        waiting += [got for decode in _DECODINGS if (got := decode(one)) not in seen]
    return seen


def _holds_coded(text: str, secret: str) -> bool:
    if secret.encode().hex() in text.casefold():
        return True
    for run in re.findall(r"[A-Za-z0-9+/_-]{16,}", text):
        for start in range(4):
            part = run[start:].replace("-", "+").replace("_", "/")
            if secret.encode() in base64.b64decode(part + "A" * (-len(part) % 4)):
                return True
    return False
