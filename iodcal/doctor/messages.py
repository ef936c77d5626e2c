"""Words for what `doctor` finds: how a thing stands and, unless it is well, what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.doctor import Diagnosis
from iodcal.messages import Words, fill
from iodcal.messages.calendars import CONNECTION
from iodcal.messages.errors import words_of
from iodcal.messages.files import STATE_WORDS
from iodcal.problems.kinds import Kind
from iodcal.problems.messages import whereabouts

_CONFIGURATION = {
    "configuration_loads": Words("{calendars}, {circuits}, {rules}; no errors", ""),
    "configuration_doubtful": Words("{doubt}", "Mend it, or leave it knowingly"),
    "holidays_known": Words("the next one is {day}", ""),
    "holidays_over": Words(
        "knows no holiday in the coming year: every weekday counts as an ordinary one",
        "Add this year's dates; of a country: pip install --upgrade 'iodcal[holidays]'",
    ),
}

_SECRETS = {
    "secret_resolves": Words("{reference} resolves", ""),
    "secret_odd": Words(
        "{reference} resolves, but {odd}",
        "Where the login refuses it, write the secret alone there: no mark, no quotes, no blank beside it",
    ),
    "secret_lasts": Words("{reference} is good for {days} still, to {day}", ""),
    "secret_expires_soon": Words(
        "{reference} is good for {days} only, to {day}",
        "Make the next one now; a list of references takes the old and the new one together",
    ),
    "secret_expired": Words(
        "{reference} was good to {day} and is past",
        "Make a new one, and put its end under expires; where another one serves, take this one out",
    ),
    "certificate_wrong": Words(
        "the certificate cannot be used: {reason}", "Put one PEM text with certificate and private key there"
    ),
    "certificate_early": Words(
        "the certificate is good from {day} on only", "Use another one until then, or set this host's clock"
    ),
}

_MICROSOFT = {
    "login_good": Words("tenant {tenant} gives a token", ""),
    "token_opaque": Words("the token does not show what it permits", ""),
    "roles_missing": Words("the token names no roles: usual where RBAC for Applications limits the app", ""),
    "roles_just_right": Words("the token permits what is needed and no more: {roles}", ""),
    "roles_more_than_needed": Words(
        "the token permits more than iodcal needs: {roles}",
        "Take these application permissions away in the Microsoft Entra admin centre: Calendars.Read is "
        "enough",
    ),
    "directory_closed": Words(
        "without User.Read.All less can be said of a mailbox that is not found; all else works", ""
    ),
    "forbidden_is_closed": Words("cannot be read, as it should be", ""),
    "forbidden_is_open": Words(
        "can be read, and must not be",
        "Take the tenant-wide consent to Calendars.Read away in the Microsoft Entra admin centre: grants add "
        "up, so it voids the limit of RBAC for Applications; then wait up to two hours",
    ),
}

_CIRCUITS = {
    "not_without_login": Words("not tried, since the login failed", ""),
    "calendar_readable": Words("can be read", ""),
    "carrier_unused": Words("no circuit uses this carrier: not tried", ""),
    "inventory_listed": Words("circuits in its inventory: {count}", ""),
    "circuit_not_listed": Words(
        "service {service_id} can be read, but the inventory does not list it",
        "Ask the carrier whether its bandwidth can be ordered in this account",
    ),
    "status_unknown": Words(
        'the carrier shows the status "{status}", which is not understood: nothing is ordered',
        "Ask the carrier what it means",
    ),
    "bandwidth_missing": Words("the carrier names no bandwidth: nothing can be ordered", "Ask the carrier"),
    "bandwidth_no_tier": Words(
        "stands at {bandwidth}, which is not one of its tiers", "Correct the circuit's tiers"
    ),
    "circuit_changing": Words("a change is under way: {bandwidth} now, {ordered} ordered", ""),
    "circuit_drifted": Words(
        "stands at {bandwidth}, and {ordered} is ordered",
        "Somebody changed it by hand: iodcal plan says what becomes of it",
    ),
    "circuit_first_seen": Words("active at {bandwidth}; no run has seen it yet", ""),
    "circuit_as_ordered": Words("active at {bandwidth}, as ordered", ""),
    "carrier_warns": Words("{warning}", "Mend that with the carrier before an event relies on the circuit"),
    "offers_unknown": Words("the carrier does not say what it sells on it ({why})", ""),
    "tiers_sold": Words("every tier is for sale: {tiers}", ""),
    "tiers_unsold": Words(
        "not for sale now: {unsold} (for sale: {offered})",
        "Correct the circuit's tiers; the carrier's offer is wrong at times, so look twice",
    ),
    "tiers_quoted": Words("gives a quote: {quotes}", ""),
    "quotes_untried": Words(
        "no quote came in time for {tiers}: half of what was left is for quotes",
        "Give it more with --timeout",
    ),
    "quotes_beyond": Words("no quote was asked for {tiers}: {most} of one carrier are enough", ""),
    "clock_right": Words("its clock and this host's agree", ""),
    "clock_doubtful": Words(
        "this host's clock is {seconds} seconds {direction} its own", "Set this host's clock (NTP)"
    ),
    "clock_wrong": Words(
        "this host's clock is {seconds} seconds {direction} its own: nothing is lowered beyond a minute",
        "Set this host's clock (NTP)",
    ),
}

_FILES = {
    "state_new": Words("{path} is not there yet: the first run makes it", ""),
    "state_good": Words("{path} is readable and writable", ""),
    "state_shared_good": Words(
        "{path} is readable and writable, and its store keeps conditions on writes", ""
    ),
    "state_no_folder": Words(
        "{path} is not there yet, and the first run cannot make it: {folder} cannot be written",
        "Make its folder for the user who runs iodcal (mode 0700); under systemd StateDirectory= does, with "
        "the first start",
    ),
    "state_not_writable": Words(
        "{path} cannot be written: nothing is ordered without it",
        "Run as the user who owns it, or make its folder writable for this one",
    ),
    "state_damaged": Words(
        "damaged: the next run sets it aside and rebuilds it from the history and the carrier",
        "Look at the disk; let iodcal sync run, and check the circuits with iodcal status",
    ),
    "state_open_to_others": Words(
        "others can read it, and subjects of events stand in it",
        "chmod 600, or name the group that may look under settings.group",
    ),
    "history_good": Words("readable and writable", ""),
    "history_torn": Words(
        "{lines} lines are no records: torn by a crash, or changed by hand",
        "They are skipped; keep a copy if an auditor needs it",
    ),
    "history_unreadable": Words("cannot be read: {reason}", "Run as the user who owns it"),
    "lock_free": Words("no run is at work", ""),
    "lock_in_use": Words("a run is at work: {command}, process {pid} on {host} since {since}", ""),
    "lock_stuck": Words(
        "a run is at work for too long: {command}, process {pid} on {host} since {since}",
        "Look at it; if it hangs, end it (kill {pid}): the lock is freed with it",
    ),
    "lock_unusable": Words("cannot be used: {reason}", "Delete {path} if it is not a plain file"),
}

_METRICS = {
    "metrics_writable": Words("a run can replace it in {folder}", ""),
    "metrics_no_folder": Words(
        "there is no folder {folder}: no run writes metrics, and alerts see none",
        "Make it for the user who runs iodcal, and let node_exporter read there "
        "(--collector.textfile.directory); or correct settings.metrics_file",
    ),
    "metrics_is_folder": Words(
        "{path} is a folder", "Let settings.metrics_file name a file in it, such as iodcal.prom"
    ),
    "metrics_not_writable": Words(
        "the folder {folder} cannot be written: no run writes metrics, and alerts see old ones",
        "Make it writable for the user who runs iodcal; under systemd it must stand in ReadWritePaths=, too",
    ),
    "metrics_not_prom": Words(
        "node_exporter reads files whose names end in .prom only", "Name it so in settings.metrics_file"
    ),
}

_NOTICES = {
    **{f"notice_{code}": words for code, words in CONNECTION.items()},
    "notice_not_without_secret": Words("not tried, since its address does not resolve", ""),
    "notice_host_answers": Words("{host} answers; nothing was sent to the address itself", ""),
    "notice_apprise": Words("Apprise understands the address ({count}); nothing was sent there", ""),
    "notice_apprise_address": Words("Apprise does not know its address", "See Apprise's list of services"),
    "notice_insecure_url": Words("its address is not an https one", "Use an https address"),
    "notice_timeout": Words(
        "{host} does not answer in time: notices wait, and are given up after a day",
        "Check the network; where it is only slow, raise settings.notify_within",
    ),
}

_RUNS = {
    "run_never": Words("there was none yet", "Start the timer, or run iodcal sync"),
    "run_lately": Words("{age} ago, with exit status {status}", ""),
    "run_ended_badly": Words("{age} ago, with exit status {status}", "iodcal status names the problems"),
    "run_late": Words("{age} ago, and `every` is {every}", "Look at the timer, or make `every` honest"),
    "run_long_ago": Words(
        "{age} ago, and `every` is {every}: nothing is ordered meanwhile", "Look at the timer or crontab"
    ),
    "timer_cron": Words("{place} runs iodcal sync", ""),
    "timer_systemd": Words("{place} is enabled", ""),
    "timer_disabled": Words("{place} is there but not enabled", "systemctl enable --now {name}"),
    "timer_unseen": Words("neither a systemd timer nor a crontab with iodcal sync can be seen from here", ""),
}

DOCTOR_WORDS: Mapping[str, Words] = {
    "not_tried": Words("not tried: the time was over", "Give it more with --timeout"),
    **{f"state_{code.removeprefix('state_')}": words for code, words in STATE_WORDS.items()},
    **_CONFIGURATION,
    **_SECRETS,
    **_MICROSOFT,
    **_CIRCUITS,
    **_FILES,
    **_METRICS,
    **_NOTICES,
    **_RUNS,
}


def describe(finding: Diagnosis) -> Words:
    """What to tell of a finding."""
    known = words_of(finding.code, finding.edge) if finding.edge is not None else DOCTOR_WORDS[finding.code]
    words = fill(known, {"code": finding.code, **finding.facts})
    if finding.unquoted:
        return Words(f"no quote for {finding.unquoted}: {words.message}", words.remedy)
    if finding.edge is not Kind.EVENT_UNREADABLE:
        return words
    return Words(f"an event cannot be understood: {words.message}{whereabouts(finding.facts)}", words.remedy)
