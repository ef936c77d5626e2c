"""The shape of an entry of `notify`: where notices go, and which."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from datetime import time
from typing import Annotated

from iodcal.config import Way
from iodcal.config.fields import StartOfDay, Text, Texts, kind_of, one_of, shape
from iodcal.config.forms import ONE_OR_MORE, Scalar, Section
from iodcal.config.secrets import Secret
from iodcal.notify import NoticeKind
from iodcal.notify.template import Template

_USUAL = tuple(kind for kind in NoticeKind if kind is not NoticeKind.DAILY)


def _template(value: object) -> Template:
    if not isinstance(value, str):
        raise ValueError(f"a template is a text, not {kind_of(value)}: put it in quotes, or behind |")
    return Template.parse(value)


Kinds = Annotated[tuple[Annotated[NoticeKind, one_of(NoticeKind)], ...], ONE_OR_MORE]


class NotifySection(Section, frozen=True):
    """Exactly one of `webhook`, `teams`, `ping`, `apprise` holds the address, which is a secret."""

    webhook: Secret | None = None
    teams: Secret | None = None
    ping: Secret | None = None
    apprise: Secret | None = None
    template: Annotated[Template, Scalar(_template, shape())] | None = None
    authorization: Secret | None = None
    kinds: Kinds = _USUAL
    circuits: Texts | None = None
    sites: Texts | None = None
    labels: Mapping[Text, Text] | None = None
    daily_at: StartOfDay = time(7)

    @property
    def way(self) -> Way:
        """The one way that is given."""
        return next(way for way in Way if getattr(self, way) is not None)

    def __post_init__(self) -> None:
        ways = [way for way in Way if getattr(self, way) is not None]
        if len(ways) != 1:
            found = "says two ways at once" if ways else "does not say where to"
            raise ValueError(f"this target {found}: give one of {', '.join(Way)}")
        if self.template is not None and self.webhook is None:
            raise ValueError("only a webhook has a template")
        if self.authorization is not None and self.webhook is None:
            raise ValueError("only a webhook has an authorization")
        selected = {"kinds", "circuits", "sites", "labels", "daily_at"} & self.given
        if self.ping is not None and selected:
            raise ValueError(f"a ping tells of every run: {', '.join(sorted(selected))} can select nothing")
        if self.apprise is not None and importlib.util.find_spec("apprise") is None:
            raise ValueError("Apprise is not installed here: pip install 'iodcal[apprise]'")
