"""Every key that the configuration knows is in the documentation."""

from __future__ import annotations

import pytest

from iodcal.carriers.lumen.plugin import Contact, LumenOptions
from iodcal.carriers.megaport import MegaportOptions
from iodcal.carriers.sandbox.plugin import SandboxOptions
from iodcal.config import schema
from iodcal.config.forms import Section, keys_of
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.schema import NotifySection
from iodcal.config.state_store import StateStoreSection
from tests.e2e.command import ROOT

SECTIONS = [
    value
    for value in vars(schema).values()
    if isinstance(value, type) and issubclass(value, Section) and value.__module__ == schema.__name__
]


@pytest.mark.parametrize(
    ("section", "page"),
    [
        *((section, "configuration.md") for section in SECTIONS),
        (Microsoft365, "configuration.md"),
        (StateStoreSection, "configuration.md"),
        (NotifySection, "configuration.md"),
        (LumenOptions, "carriers.md"),
        (Contact, "carriers.md"),
        (MegaportOptions, "carriers.md"),
        (SandboxOptions, "sandbox.md"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_key_is_documented(section: type[Section], page: str) -> None:
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert [key for key in keys_of(section) if key not in text] == []
