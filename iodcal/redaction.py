"""Redaction: no text that comes from outside, and none that is told of it, shows a secret.

A server may repeat what it was sent in any spelling: JSON within JSON, percent-encoded twice, as references
of HTML. So a text is looked at as it is and after each decoding, and what spells a secret is left out.

Each run knows its own secrets, and in a fleet those of the others that cannot be honest data: a server may
answer with what another run sent. A password that is a word is left out of its own run's texts alone, or the
others' would tell which words are secrets.
"""

from __future__ import annotations

import base64
import re
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from hashlib import sha256

MASK = "***"
_SHORTEST = 6  # shorter ones are nobody's secret, and words of honest texts
_LONG = 12
_UNMISTAKABLE = 20  # with a digit: no subject, name or ID of an honest answer spells such a secret by chance
_MOST_DECODINGS = 6
_MOST_OF_REFUSAL = 64 * 1024  # bytes: nobody reads more of an error page
_WIDE = (
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
)  # JSON may come so; no ASCII text is found in them


class _Known:
    """The secrets of one run, in all spellings; what they were made from; those that cannot be honest data.
    `others` takes the latter where there are other runs."""

    def __init__(self, others: _Others | None = None) -> None:
        self.secrets: set[str] = set()
        self.made_from: set[str] = set()
        self.unmistakable: set[str] = set()
        self._others = others

    def clear(self) -> None:
        for kept in (self.secrets, self.made_from, self.unmistakable):
            kept.clear()

    def add(self, spellings: Iterable[str]) -> None:
        new = set(spellings) - self.secrets
        unmistakable = {secret for secret in new if _is_unmistakable(secret)}
        self.secrets.update(new)
        self.unmistakable.update(unmistakable)
        if self._others is not None:
            self._others.add(unmistakable)


class _Others:
    """The unmistakable secrets of all runs of this process. Each text is looked at for how they begin, so
    that it does not matter how many runs there are."""

    def __init__(self) -> None:
        self._by_start: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def add(self, secrets: Iterable[str]) -> None:
        with self._lock:
            for secret in secrets:
                start = secret[:_START]
                self._by_start[start] = (*self._by_start.get(start, ()), secret)

    def found_in(self, text: str) -> Iterator[str]:
        """The secrets that stand in `text`."""
        starts = self._by_start
        if not starts:
            return
        for place in range(len(text) - _START + 1):
            if (secrets := starts.get(text[place : place + _START])) is not None:
                yield from (secret for secret in secrets if text.startswith(secret, place))


_START = 12  # characters
_process = _Known()
_of_run: ContextVar[_Known] = ContextVar("secrets_of_run", default=_process)
_others = _Others()

# One character as percent-encoding, JSON or HTML spell it, or a folded line.
_SPELT = r"""(?P<percent>%[0-7][0-9a-f] | %[cd][0-9a-f]%[89ab][0-9a-f] | %e[0-9a-f](?:%[89ab][0-9a-f]){2}
          | %f[0-7](?:%[89ab][0-9a-f]){3})
    | \\u(?P<pair>d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})
    | \\(?:u(?P<unit>[0-9a-f]{4}) | x(?P<byte>[0-9a-f]{2}) | (?P<plain>["'\\/,;]))
    | (?P<entity>&(?:\#[0-9]{1,8} | \#x[0-9a-f]{1,7} | [a-z][a-z0-9]{1,31});?)
    | (?P<fold>\r?\n[ \t])"""
_FLAGS = re.VERBOSE | re.IGNORECASE | re.ASCII
_ESCAPE = re.compile(_SPELT, _FLAGS)
# Apart, as an equals sign stands before values and at the end of base64, where it escapes nothing.
_QUOTED = re.compile(rf"{_SPELT} | =(?:(?P<quoted>[0-9a-f]{{2}}) | (?P<soft>\r?\n))", _FLAGS)
_ESCAPED = re.compile(r"[%\\&\n]")
_QUOTED_PRINTABLE = re.compile(r"=(?:[0-9a-fA-F]{2}|\r?\n)")

# What looks like a credential though nobody knows it: the named group is left out.
_CREDENTIAL = re.compile(
    r"""\b(?:bearer|basic|digest|negotiate)\s+(?P<scheme>[\w.~+/=-]{8,})
    | \b(?P<jwt>eyJ[\w-]{8,4096}\.[\w-]{8,4096}(?:\.[\w-]*)?)
    | (?:token|secret|password|passwd|assertion|api[_-]?key|signature|credential)
      ["']?\s{0,3}[=:]\s{0,3}["']?(?P<named>[^\s"'&,;<>{}()*]{8,})
    | [?&;](?:sig|key|code|auth)=(?P<query>[^\s"'&,;<>{}()*]{8,})
    | ://[^\s/@:"'<>]{0,200}:(?P<userinfo>[^\s/@"'<>*]{1,500})@
    | (?<![\w+=~-])(?P<random>(?-i:(?=[\w+=~-]*[a-z])(?=[\w+=~-]*[A-Z])(?=[\w+=~-]*[0-9])[\w+=~-]{40,}))""",
    re.VERBOSE | re.IGNORECASE,
)


def remember_secrets(*secrets: str) -> None:
    """From now on each of `secrets` is left out, and each line of those that have several."""
    known = _of_run.get()
    for secret in secrets:
        if secret in known.made_from:
            continue
        known.made_from.add(secret)
        whole, lines = secret.strip(), [line.strip() for line in secret.splitlines()]
        if len(whole.rpartition("://")[2]) >= _SHORTEST:  # an address without a host is no secret
            known.add((*_decodings(whole), *_encodings(whole)))
        if len(lines) > 1:  # a key in PEM form, whose first and last line are no secret
            for line in lines:
                if len(line) >= _SHORTEST and not line.startswith("-----"):
                    known.add(_decodings(line))


def keep_secrets_apart() -> None:
    """From now on this thread's run, and the threads that it starts, have secrets of their own: for a run
    that has others beside it in one process."""
    _of_run.set(_Known(_others))


def forget_secrets() -> None:
    """None is remembered any more: for what begins anew within one process, as tests do."""
    _of_run.get().clear()


def redact_text(text: str) -> str:
    """`text` without the secrets that are remembered, however they are spelt."""
    secrets = _of_run.get().secrets.copy()
    return _redact(text, secrets, credentials_too=False) if _holds_secret(text, secrets) else text


def redact_name(name: str) -> str:
    """`name`, which only tells things apart, or a digest in place of one that holds a remembered secret."""
    return name if redact_text(name) == name else sha256(name.encode(errors="replace")).hexdigest()[:24]


def redact_credentials(text: str) -> str:
    """`text` without the secrets that are remembered, and without what else looks like a credential."""
    return _redact(text, _of_run.get().secrets.copy(), credentials_too=True)


def redact_refusal(body: bytes) -> bytes:
    """The `body` of a refusal, which may be no text, cut after some 64 KiB, without remembered secrets and
    without what else looks like a credential."""
    return _redact_body(body, lambda text: redact_credentials(redact_text(text)[:_MOST_OF_REFUSAL]))


def redact_data(body: bytes) -> bytes:
    """The `body` of a good answer without those remembered secrets that cannot be anything else: rules match
    what it says, and orders go by it, so a password that is a word must not take that word out of it."""
    return _redact_body(body, _redact_unmistakable)


def _redact_body(body: bytes, redact: Callable[[str], str]) -> bytes:
    if b"\0" in body:
        for encoding in _WIDE:
            redacted = redact(body.decode(encoding, "replace"))
            if MASK in redacted:
                return redacted.encode(encoding, "replace")
    return redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _redact_unmistakable(text: str) -> str:
    secrets = _of_run.get().unmistakable.copy()
    if not _holds_secret(text, secrets):
        return text
    return _redact(text, secrets, credentials_too=False)


def _is_unmistakable(secret: str) -> bool:
    return len(secret) >= _UNMISTAKABLE and any(map(str.isdecimal, secret))


class _Origins:
    """Where the characters of a decoded text come from: a piece for each escape."""

    def __init__(self) -> None:
        self.decoded_start, self.decoded_end = array("q"), array("q")
        self.start, self.end = array("q"), array("q")

    def add(self, decoded_start: int, decoded_end: int, start: int, end: int) -> None:
        for column, value in (
            (self.decoded_start, decoded_start),
            (self.decoded_end, decoded_end),
            (self.start, start),
            (self.end, end),
        ):
            column.append(value)

    def span_of(self, start: int, end: int) -> tuple[int, int]:
        """What `[start, end)` of the decoded text was spelt with."""
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, position: int) -> tuple[int, int]:
        piece = bisect_right(self.decoded_start, position) - 1
        while piece >= 0 and self.decoded_start[piece] == self.decoded_end[piece] == position:
            piece -= 1  # folded lines before this very character: nothing of them is left
        if piece >= 0 and position < self.decoded_end[piece]:
            return self.start[piece], self.end[piece]
        last = bisect_right(self.decoded_start, position) - 1
        offset = self.end[last] - self.decoded_end[last] if last >= 0 else 0
        return position + offset, position + offset + 1


def _decode(text: str, escape: re.Pattern[str]) -> tuple[str, _Origins] | None:
    """`text` with each escape taken once for what it stands for, and where it all comes from; None where
    there is none."""
    parts: list[str] = []
    origins, done, length = _Origins(), 0, 0
    for found in escape.finditer(text):
        before, meant = text[done : found.start()], _meaning(found.lastgroup, found[found.lastgroup or 0])
        if meant == found[0]:
            continue  # such as &nosuchname;
        length += len(before)
        origins.add(length, length + len(meant), found.start(), found.end())
        parts += (before, meant)
        length, done = length + len(meant), found.end()
    return ("".join((*parts, text[done:])), origins) if parts else None


@lru_cache(maxsize=4096)
def _meaning(kind: str | None, text: str) -> str:
    match kind:
        case "percent":
            return bytes.fromhex(text.replace("%", "")).decode("utf-8", "replace")
        case "pair":
            return bytes.fromhex(text.lower().replace("\\u", "")).decode("utf-16-be", "replace")
        case "unit" | "byte" | "quoted":
            return chr(int(text, 16))
        case "entity":
            from html import unescape  # its two thousand names are seldom needed

            return unescape(text)
        case "fold" | "soft":
            return ""
    return text


def _levels(text: str) -> Iterator[tuple[str, list[_Origins]]]:
    """`text`, and what each further decoding makes of it, with the way back."""
    yield text, []
    if _ESCAPED.search(text):
        yield from _further_levels(text, _ESCAPE)
    if _QUOTED_PRINTABLE.search(text):
        yield from _further_levels(text, _QUOTED)


def _further_levels(text: str, escape: re.Pattern[str]) -> Iterator[tuple[str, list[_Origins]]]:
    way_back: list[_Origins] = []
    for _ in range(_MOST_DECODINGS):
        decoded = _decode(text, escape)
        if decoded is None:
            return
        text, origins = decoded
        way_back.append(origins)
        yield text, way_back


def _holds_secret(text: str, secrets: Collection[str]) -> bool:
    return any(
        any(secret in level for secret in secrets) or any(_others.found_in(level))
        for level, _ in _levels(text)
    )


def _redact(text: str, secrets: Collection[str], *, credentials_too: bool) -> str:
    spans = []
    for level, way_back in _levels(text):
        for start, end in _matches(level, secrets, credentials_too=credentials_too):
            for origins in reversed(way_back):
                start, end = origins.span_of(start, end)
            spans.append((start, end))
    return _masked(text, sorted(spans))


def _matches(text: str, secrets: Iterable[str], *, credentials_too: bool) -> Iterator[tuple[int, int]]:
    for secret in (*secrets, *_others.found_in(text)):
        start = text.find(secret)
        while start >= 0:
            yield start, start + len(secret)
            start = text.find(secret, start + 1)
    if credentials_too:
        for found in _CREDENTIAL.finditer(text):
            yield found.span(found.lastgroup or 0)


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            parts += (text[done:start], MASK)
        done = max(done, end)
    return "".join((*parts, text[done:]))


def _decodings(secret: str) -> set[str]:
    """`secret`, and what is left of it where a text is decoded once too often."""
    return {level for level, _ in _levels(secret) if len(level) >= _SHORTEST}


def _encodings(secret: str) -> Iterator[str]:
    """Spellings of `secret` that no decoding here takes back."""
    content = secret.encode("utf-8", "surrogateescape")
    yield secret.replace(" ", "+")
    yield from (content.hex(), content.hex().upper())
    if len(secret) >= _LONG:
        yield secret.lower()  # as a host's name
    for offset in range(3):  # base64 of it within something else: the letters that are its own alone
        padded = b"\0" * offset + content
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            own = encode(padded).decode()[(offset * 8 + 5) // 6 : len(padded) * 8 // 6]
            if len(own) >= _LONG:
                yield own
