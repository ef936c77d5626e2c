"""Every key that the configuration knows is in the documentation."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from iodcal.carriers.lumen.plugin import Contact, LumenOptions
from iodcal.carriers.sandbox.plugin import SandboxOptions
from iodcal.config import schema
from iodcal.config.microsoft365 import Microsoft365
from iodcal.config.notify import NotifySection
from tests.e2e.command import ROOT

MODELS = [
    value
    for value in vars(schema).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == schema.__name__
]


@pytest.mark.parametrize(
    ("model", "page"),
    [
        *((model, "configuration.md") for model in MODELS),
        (Microsoft365, "configuration.md"),
        (NotifySection, "configuration.md"),
        (LumenOptions, "carriers.md"),
        (Contact, "carriers.md"),
        (SandboxOptions, "sandbox.md"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_key_is_documented(model: type[BaseModel], page: str) -> None:
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    keys = [field.alias or name for name, field in model.model_fields.items()]
    assert [key for key in keys if key not in text] == []
