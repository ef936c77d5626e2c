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
        "a sign-in page may stand in between: check that the address is the one that ends in .ics",
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
