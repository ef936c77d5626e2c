"""Where a state is: a file on this host, or one prefix in an object store."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

SCHEMES = ("s3", "az", "gs")


class StoreUrl(Struct, frozen=True):
    """One prefix in a bucket (Azure: a container) of an object store; `prefix` is empty or ends with a
    slash."""

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.prefix}"

    @classmethod
    def parse(cls, text: str) -> StoreUrl:
        """Raises ValueError for what is no such URL."""
        scheme, _, place = text.partition("://")
        if scheme not in SCHEMES:
            known = ", ".join(f"{one}://" for one in SCHEMES)
            raise ValueError(f"{scheme}:// names no object store that is known: they are {known}")
        bucket, _, prefix = place.partition("/")
        parts = prefix.removesuffix("/").split("/") if prefix else []
        if not bucket or {"", ".", ".."} & set(parts) or any(mark in place for mark in "?#@\\ "):
            raise ValueError(f"a shared state is {scheme}://BUCKET/PREFIX/, without user, query or fragment")
        return cls(scheme, bucket, "".join(f"{part}/" for part in parts))


StateAddress: TypeAlias = Path | StoreUrl
