"""Words for the faults of iCalendar and saved answers."""

from __future__ import annotations

from iodcal.words import Words

FILES = {
    "file_unreadable": Words("{file} cannot be read: {reason}", "check the path and the file's permissions"),
    "file_too_large": Words("{file} is larger than {limit} bytes", "save a shorter range"),
    "file_not_json": Words("{file} is not JSON", "save the answer of calendarView as it came"),
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
    "not_ics": Words(
        'the answer is not an iCalendar but begins "{first_words}"',
        "a sign-in page may stand in between: check that the address is the one that ends in .ics",
    ),
    "ics_free_busy": Words(
        "the iCalendar holds busy times only, and no events",
        "publish the calendar itself, with its titles, in place of its free and busy times",
    ),
    "ics_truncated": Words("the iCalendar breaks off before its end", "iodcal tries again in its next run"),
    "ics_damaged": Words(
        "an event cannot be understood (UID {uid})", "mend it in its calendar: until then none of it counts"
    ),
    "ics_unknown_zone": Words(
        "an event is in the unknown time zone {zone} (UID {uid})",
        "give the event a zone such as America/Denver, or the file its VTIMEZONE",
    ),
    "ics_too_dense": Words(
        "a series has more than {limit} occurrences to look at (UID {uid})",
        "let the series begin later, recur less often, or each event end sooner",
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
