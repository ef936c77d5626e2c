"""One run, in the order in which it happens: context, run, poll, execute, journal, wait, report."""
