"""The commands for setting up: schema."""

from __future__ import annotations

from iodcal.cli.declare import command
from iodcal.cli.session import Session
from iodcal.exits import Exit


@command("Print the JSON Schema of the configuration, for editors.", "iodcal schema > rules.schema.json")
def schema(session: Session) -> int:
    """Print the JSON Schema of rules.yaml, so that an editor completes and checks it."""
    from iodcal.config.json_schema import configuration_schema

    session.print_json(configuration_schema())
    return Exit.OK
