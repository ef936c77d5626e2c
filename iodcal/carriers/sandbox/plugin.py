"""The sandbox as the configuration sees it."""

from __future__ import annotations

from datetime import timedelta

from iodcal.carriers import CarrierContext
from iodcal.carriers.sandbox.client import BookFile, Sandbox
from iodcal.config.fields import Rate, Rates, Text, Texts
from iodcal.config.forms import Section
from iodcal.domain.bandwidth import Bandwidth
from iodcal.domain.circuits import Account


class SandboxOptions(Section, frozen=True):
    """`file` is where the sandbox lives; a circuit that it has not met yet stands at `starts_at`. It sells
    `tiers`, if they are given, and says that it does not know the service IDs under `unknown`."""

    file: Text
    starts_at: Rate = Bandwidth(100)
    tiers: Rates = ()
    unknown: Texts = ()


class SandboxPlugin:
    """`type: sandbox`."""

    Options = SandboxOptions
    virtual = True
    default_provisioning = timedelta(minutes=2)
    default_changes_per_day: int | None = None

    def account(self, options: SandboxOptions, context: CarrierContext) -> Account:
        """The file is the account: two sandboxes are two carriers."""
        return Account("sandbox", f"file:{context.directory / options.file}", "")

    def is_test(self, options: SandboxOptions) -> bool:  # noqa: ARG002 - every carrier answers the same question
        """False: nobody could take the sandbox for a carrier's production environment."""
        return False

    def create(self, options: SandboxOptions, context: CarrierContext) -> Sandbox:
        return Sandbox(
            account=self.account(options, context),
            shelf=BookFile(context.directory / options.file),
            clock=context.now,
            provisioning=context.provisioning,
            changes_per_day=context.changes_per_day,
            starts_at=options.starts_at,
            tiers=frozenset(options.tiers),
            unknown=frozenset(options.unknown),
        )


plugin = SandboxPlugin()
