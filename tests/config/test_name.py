"""What an installation is called that gives itself no name."""

from __future__ import annotations

from pathlib import Path

import pytest

from iodcal.config import usual_name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/etc/iodcal/rules.yaml", "iodcal"),
        ("/srv/tenants/acme/rules.yaml", "acme"),
        ("/srv/tenants/acme.yaml", "acme"),
        ("/srv/tenants/acme.west.yaml", "acme.west"),
        ("/rules.yaml", "iodcal"),
    ],
)
def test_its_file_or_folder_names_it(path: str, name: str) -> None:
    assert usual_name(Path(path)) == name
