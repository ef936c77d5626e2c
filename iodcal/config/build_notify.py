"""From the section `notify` to targets: what they select, as names of circuits."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.config import NotifyTarget
from iodcal.config.build import Builder
from iodcal.config.document import KeyPath
from iodcal.config.notify import NotifySection
from iodcal.domain.circuits import Circuit


def build_notify(builder: Builder) -> Mapping[str, NotifyTarget]:
    """The targets by name; what is wrong with them is added to the builder's faults."""
    return {name: _target(builder, name, section) for name, section in builder.file.notify.items()}


def _target(builder: Builder, name: str, section: NotifySection) -> NotifyTarget:
    path: KeyPath = ("notify", name)
    for key, names in (("circuits", section.circuits), ("sites", section.sites)):
        for number, name_ in enumerate(names or ()):
            builder.known(key, name_, (*path, key, number))
    return NotifyTarget(
        name,
        section.way,
        getattr(section, section.way),
        frozenset(section.kinds),
        _selected(builder, section, path),
        section.template,
        section.authorization,
        section.daily_at,
    )


def _selected(builder: Builder, section: NotifySection, path: KeyPath) -> frozenset[str] | None:
    """The circuits that every given condition selects; None where none is given."""
    if section.circuits is None and section.sites is None and section.labels is None:
        return None
    names = frozenset(c.name for c in builder.circuits.values() if _selects(section, c))
    all_known = builder.circuits.keys() == set(builder.names_of("circuits") or ())
    if not names and section.labels is not None and builder.circuits and all_known:
        wanted = ", ".join(f"{key}: {value}" for key, value in section.labels.items())
        builder.faults.add((*path, "labels"), f"no circuit that this target selects has {wanted}")
    return names


def _selects(section: NotifySection, circuit: Circuit) -> bool:
    if section.circuits is not None and circuit.name not in section.circuits:
        return False
    if section.sites is not None and circuit.site not in section.sites:
        return False
    return all(label in circuit.labels for label in (section.labels or {}).items())
