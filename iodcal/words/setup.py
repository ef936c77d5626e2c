"""Words of `init`: what it asks, and why it asks it."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.words import Words

QUESTIONS: Mapping[str, tuple[str, str]] = {
    "timezone": ("Time zone", "Local times, such as peak hours, are judged in it."),
    "tenant": (
        "Directory (tenant) ID",
        "Microsoft Entra admin centre, App registrations, your app, Overview.",
    ),
    "client": ("Application (client) ID", "On the same page."),
    "credential": (
        "Credential: secret, certificate or managed-identity",
        "A certificate is the safer one; a managed identity is for a machine in Azure.",
    ),
    "secret": (
        "Where it is: env:NAME, file:PATH, credential:NAME or command:COMMAND",
        "Never the secret itself: only this reference goes into the file.",
    ),
    "cloud": ("Cloud: global, us-gov, us-dod or china", ""),
    "company": ("Mailbox of company-wide events", "All-Hands, Town Hall, Live Stream raise every circuit."),
    "noc": ("Mailbox of network operations", "Every event in it raises every circuit."),
    "room": (
        "Conference rooms, as site=mailbox with commas",
        "A meeting of more than 30 minutes raises the circuits of the room's site.",
    ),
    "organizer": (
        "Whose events count: @domain or addresses, with commas",
        "Anybody can invite a mailbox to an All-Hands; only these people's events count.",
    ),
    "carrier": (
        "Carrier: lumen, lumen-test or sandbox",
        "lumen-test changes no production circuit; the sandbox lives in a file and costs nothing.",
    ),
    "customer": ("Customer number", "In brackets behind the account's name in My Apps."),
    "carrier-id": ("Where the consumer key is", "A reference again, such as env:LUMEN_CLIENT_ID."),
    "carrier-secret": ("Where the consumer secret is", ""),
    "contact": (
        "Contact: first and last name, e-mail, US phone number, company",
        "Whom the carrier tells of an order; it refuses orders without.",
    ),
    "circuit": (
        "Circuits, as service-id=name@site with commas",
        "The name is yours; the site joins it with its rooms and may be left out.",
    ),
    "pick": ("Which of them: numbers or service IDs with commas, or all", ""),
    "circuit_name": ("Name of {service_id}, with its site (name@site)", ""),
    "site": ("Time zones of the sites, as site=zone with commas", ""),
    "tiers": (
        "Tiers, with commas",
        "The bandwidths that the carrier sells on these circuits; nothing else is ever ordered.",
    ),
    "off-peak": ("Bandwidth outside of the peak hours", ""),
    "peak": (
        "Peak hours and their bandwidth, or none",
        "The ordinary week, which needs no calendar: such as mon-fri 07:30-18:30 500 Mbps.",
    ),
    "after_trouble": ("Try again, change the answers, or go on without (again, change, on)", ""),
}

SAID: Mapping[str, str] = {
    "stage_tenant": "Microsoft 365: which tenant, and how to log in",
    "stage_mailboxes": "Mailboxes: where events come from (Enter: none)",
    "stage_carrier": "The carrier: who is asked for bandwidth",
    "stage_circuits": "Circuits",
    "stage_levels": "Bandwidths",
    "tried": "ok: {what}",
    "wrong": "No: {message}",
    "nothing_written": "Nothing was written",
}

SETUP = {
    "init_trial_failed": Words("{message}; nothing was written", "{remedy}"),
    "init_unwritable": Words("{path} cannot be written: {reason}", "Name another place with --config"),
}

USAGE = {
    "init_exists": Words(
        "{path} is there already, and is kept", "Name another file with --config, or move this one away"
    ),
    "init_missing": Words(
        "Nobody can be asked here, and answers are missing: {options}", "See iodcal init --help"
    ),
    "init_answer": Words("{option}: {message}", "See iodcal init --help"),
}
