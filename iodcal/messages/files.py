"""What is said of files, the state, `init` and what people ask for."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.messages import Words

TAKEN_OVER = "The state of {name} and its history were taken from {old} to {new}"
TAKEN_OVER = "The state of {name} and its history were taken from {old} to {new}"
STANDS_IN = (
    "error: The configuration does not load; the last one that did goes on, ups only. {first} "
    "(iodcal check shows all that is wrong: {count})"
)

WAITED_OUT = "The wait is over; the next run looks again, or iodcal sync --wait 10m does now"

FILES = {
    "file_unreadable": Words("{file} cannot be read: {reason}", "check the path and the file's permissions"),
    "file_too_large": Words("{file} is larger than {limit} bytes", "save a shorter range"),
    "file_not_json": Words("{file} is not JSON", "save the answer of calendarView as it came"),
    "file_json_bounds": Words(
        "{file} is JSON of more than {limit} {what}, and was not read",
        "save the answer of calendarView as it came, a page at a time",
    ),
    "saved_page_missing": Words(
        "{file} is not the last page: it names a following one", "save all pages and list them in order"
    ),
    "ics_status": Words(
        "{host} answers with status {status}",
        "open the address in a browser: where it is gone publish the calendar again; where it wants a name "
        "and password they go before the host (https://NAME:PASSWORD@HOST/...)",
    ),
    "redirect_private": Words(
        "{host} redirects to a host of a private network, which is not followed",
        "if that is right, put `private_network: true` beside `ics`",
    ),
    "redirect_circle": Words(
        "{host} redirects again and again",
        "open the address in a browser, and use the one that ends in .ics",
    ),
    "redirect_nowhere": Words(
        "{host} redirects to no address that can be read",
        "open the address in a browser, and use the one that ends in .ics",
    ),
    "ics_agent_refused": Words(
        "{host} refuses programmes that it does not know, with an error page (errorfe.aspx)",
        "put `user_agent: ...` beside `ics`, with what a browser calls itself; if a browser gets no calendar "
        "either, publish it again",
    ),
    "ics_place_unclear": Words(
        "what `ics` names is neither an https address nor a path (it is not shown: it may be secret)",
        "let it hold the address alone, from https:// to its end",
    ),
    "file_is_address": Words(
        "the file's name is an address (it is not shown: it may be secret)",
        "put an address under `ics`, from https:// to its end",
    ),
    "not_ics": Words(
        "there is no iCalendar: it {what}",
        "check that the address is the one that ends in .ics; a proxy or a sign-in page may stand in "
        "between: check HTTPS_PROXY and NO_PROXY",
    ),
    "ics_unbalanced": Words(
        "the iCalendar is damaged: {found} does not belong where it stands (line {line})",
        "every BEGIN needs its END, each on a line without blanks before it; iodcal tries again next time",
    ),
    "ics_miscounted": Words(
        "the iCalendar is damaged: {there} events begin in it, and {read} can be read",
        "put each BEGIN:VEVENT on a line without blanks before it; iodcal tries again in its next run",
    ),
    "ics_outside": Words(
        "the iCalendar is damaged: something stands outside of it (line {line})",
        "let the file hold nothing before BEGIN:VCALENDAR and after END:VCALENDAR",
    ),
    "ics_free_busy": Words(
        "the iCalendar holds busy times only, and no events",
        "publish the calendar itself, with its titles, in place of its free and busy times",
    ),
    "ics_truncated": Words("the iCalendar breaks off before its end", "iodcal tries again in its next run"),
    "ics_damaged": Words('it says "{found}"', "mend the event in its calendar: until then it does not count"),
    "ics_no_day": Words('its rule "{found}" names no day that there is', "mend the event in its calendar"),
    "ics_unknown_zone": Words(
        'nobody knows the time zone "{found}"',
        'say what it means: settings: {{zones: {{"{found}": America/Denver}}}}; or give it another one',
    ),
    "ics_too_dense": Words(
        "the series has too many occurrences to look at",
        "let it begin later, recur less often, or each event end sooner",
    ),
    "ics_too_slow": Words(
        "its {series} series take longer to expand than there is time for",
        "let old series end, or read a smaller calendar",
    ),
    "too_many_events": Words("more than {limit} events lie in the range", "read a smaller calendar"),
    "secret_env_missing": Words("the secret's variable is not set ({reference})", "set it for this process"),
    "secret_unreadable": Words(
        "the secret cannot be read ({reference}): {reason}",
        "check its path and permissions; for a credential the unit needs its LoadCredential=",
    ),
    "secret_empty": Words("the secret is empty ({reference})", "put the secret where the reference points"),
    "secret_no_credentials": Words(
        "systemd gave no credentials ({reference})", "add LoadCredential= to the unit"
    ),
    "secret_command_failed": Words(
        "the secret's command failed ({reason})", "run it by hand as the same user"
    ),
    "secret_command_untrusted": Words(
        "a secret's command is not run from a file that others can write",
        "take write permission for group and others away from the rules file",
    ),
}


STATE_WORDS = {
    "unreadable": Words(
        "The state file {path} cannot be read: {reason}",
        "Run as the user who owns it, or name another one with --state",
    ),
    "unwritable": Words(
        "The state file {path} cannot be written: {reason}; nothing was ordered without it",
        "Make its folder writable for the user who runs iodcal, or free space on the disk",
    ),
    "too_new": Words(
        "The state file {path} was written by a newer iodcal ({writer})",
        "Install that version again; the file is untouched",
    ),
    "damaged": Words(
        "The state file {path} is damaged, and nothing was changed",
        "Run iodcal sync first: it sets the file aside and rebuilds the state, lowering nothing meanwhile",
    ),
    "symlink": Words(
        "The state file {path} is a symbolic link, which is not followed",
        "Name the file itself with --state or settings.state",
    ),
    "foreign_owner": Words(
        "The state file {path} belongs to another user", "Run as that user, or give the file to this one"
    ),
    "fenced": Words(
        "Another command has written the shared state {path} meanwhile: no further order was placed",
        "Nothing need be done: the next run goes on from what stands there now",
    ),
    "state_unreachable": Words(
        "The shared state {path} cannot be reached: {reason}; nothing was ordered without it",
        "See that the store answers from this host, and settings.state_store",
    ),
    "state_denied": Words(
        "The store refuses the shared state {path}: {reason}; nothing was ordered without it",
        "See the credentials of settings.state_store, and what they permit",
    ),
    "state_no_secret": Words(
        "The credentials for the shared state {path} cannot be had ({reference}); nothing was ordered",
        "See settings.state_store; iodcal doctor says which reference does not resolve",
    ),
    "state_no_bundle": Words(
        "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names {path}, which cannot be read: {reason}; nothing was "
        "ordered",
        "Name a file that exists, or unset it",
    ),
    "state_store_unsafe": Words(
        "The store of {path} ignores conditions on writes ({passed}), so that two hosts could order the same "
        "twice; nothing was ordered",
        "Use a store that keeps If-Match and If-None-Match, as Amazon S3 and Azure do, or a state file",
    ),
    "state_clock": Words(
        "This host's clock is {minutes} minutes {direction} the one of the store of {path}, so that hosts "
        "cannot tell whose turn it is; nothing was ordered",
        "Set the clock: NTP keeps it right",
    ),
    "stranger": Words(
        "The state file {path} belongs to the installation {owner} ({owner_rules}), not to {name} ({rules}): "
        "nothing was ordered or written",
        "Give {name} a settings.state of its own; if it is the same installation under a new name: "
        "iodcal adopt '{owner}'",
    ),
}


def lost(place: str) -> Words:
    """What to do where the state could not be saved in its own place after an order was taken: it stands in
    `place`, or, where that is empty, nowhere."""
    if not place:
        return Words(
            "the state could not be saved, here or elsewhere",
            "Order nothing by hand: the next sync knows that the orders above were sent, and asks the "
            "carrier what became of them",
        )
    return Words(
        f"the state could not be saved; it was written to {place}",
        "Put that file in the state's place before the next sync, or the order may be placed twice",
    )


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
    "noc": ("Mailbox of network operations", "An event in it raises the circuits that it names."),
    "room": (
        "Conference rooms, as site=mailbox with commas",
        "A meeting of more than 30 minutes raises the circuits of the room's site.",
    ),
    "organizer": (
        "Whose events count: @domain or addresses, with commas",
        "Anybody can invite a mailbox to an All-Hands; only these people's events count.",
    ),
    "carrier": (
        "Carrier: lumen, lumen-efc, megaport (or lumen-test, lumen-efc-test, megaport-staging) or sandbox",
        "lumen is Internet On-Demand, lumen-efc Ethernet Fabric Connect, megaport a VXC or Megaport "
        "Internet; those in brackets change no production circuit; the sandbox lives in a file and costs "
        "nothing.",
    ),
    "customer": ("Customer number", "In brackets behind the account's name in My Apps."),
    "carrier-id": (
        "Where the consumer key is",
        "Of Megaport: the API key. A reference again, such as env:LUMEN_CLIENT_ID.",
    ),
    "carrier-secret": ("Where the consumer secret is", "What belongs to that key."),
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


PEOPLE = {
    "bad_bandwidth": Words(
        "{message}", "The tiers of {circuit}: {tiers}; highest means the last that may be had"
    ),
    "hold_too_high": Words(
        "{circuit} cannot be held at {bandwidth}: {highest} is the highest that may be ordered",
        "Its tiers: {tiers}; tiers and ceiling stand in the configuration",
    ),
    "hold_no_tier": Words(
        "{circuit} cannot be held at exactly {bandwidth}: that is not a tier within its floor and ceiling",
        "Its tiers: {tiers}",
    ),
    "hold_below_baseline": Words(
        "A hold at {bandwidth} changes nothing: the baseline of {circuit} asks for {lowest} meanwhile",
        "To hold it lower than that, add --exactly",
    ),
    "hold_too_short": Words(
        "The hold ends before {circuit} could be raised: its carrier needs {provisioning} for a change",
        "Give it a later end",
    ),
    "one_end": Words("It must end: say when, once", "Give one of --for 2h and --until TIME"),
    "until_past": Words(
        "{until} is not ahead: it is {now} now",
        "Name a day and time to come, such as --until '{next}', or give --for 2h",
    ),
    "until_far": Words(
        "That is more than {days} days ahead", "What is to last belongs into the configuration"
    ),
    "note_too_long": Words("The note has {length} characters, and {most} are the most", "Shorten it"),
    "one_or_all": Words("Say for which circuit", "Name one, or give --all"),
    "one_and_all": Words("{circuit} and --all exclude each other", "Leave one out"),
    "parked": Words(
        "Everything is parked (by {who}): nothing is ordered, so there is nothing to hold or to pause",
        "First iodcal resume --all",
    ),
    "resume_parked": Words("Everything is parked, not only {circuit}", "iodcal resume --all ends that"),
    "resume_all_paused": Words(
        "All circuits are paused, not only {circuit}", "iodcal resume --all ends that for all of them"
    ),
    "skip_unknown": Words(
        'The last run knew of no event "{event}" that a rule takes and that is not over',
        "iodcal explain --event shows events with their ids. Known: {known}",
    ),
    "skip_ambiguous": Words(
        'More than one event may be meant by "{event}": {known}',
        "Say which: by --at TIME, or by the id in brackets",
    ),
    "forget_configured": Words(
        "{circuit} is still in the configuration, and what is known of it is needed",
        "Take it out of the configuration first; to leave it alone for a while: iodcal pause",
    ),
    "forget_open_order": Words(
        "An order of {circuit} is still open ({order}): nobody would look after it any more",
        "Ask the carrier what became of it; to forget it all the same, add --force",
    ),
    "forget_unknown": Words("No circuit {circuit} has left the configuration", "Those that have: {known}"),
    "adopt_other": Words("The state file {path} is not that of {name}", "It belongs to: {owner}"),
    "forget_which": Words("More than one circuit was called {circuit}", "Name one by its key: {keys}"),
}
