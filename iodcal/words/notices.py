"""Words for notices that were not delivered. The address never stands in them: it is a secret."""

from __future__ import annotations

from iodcal.errors import IodcalError
from iodcal.words import Words
from iodcal.words.calendars import CONNECTION
from iodcal.words.facts import fill
from iodcal.words.files import FILES

_WORDS = {
    "http_status": Words("it answers with status {status}", "check the address, and what it expects"),
    "deadline": Words("it did not answer in time", "see with -v what is slow; settings.notify_within"),
    "insecure_url": Words("its address is not an https one", "use an https address"),
    "apprise": Words("Apprise could not deliver it", "try the address with the command apprise -vv"),
    "apprise_address": Words("Apprise does not know its address", "see Apprise's list of services"),
}


def describe(error: IodcalError) -> str:
    """Why a notice was not delivered, and the remedy, in one line."""
    for table in (_WORDS, CONNECTION, FILES):
        if error.code in table:
            words = fill(table[error.code], error.facts)
            return f"{words.message}; {words.remedy}"
    return f"something went wrong ({error.code})"
