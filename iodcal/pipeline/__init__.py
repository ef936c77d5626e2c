"""One run, in the order in which it happens: context, run, fetch, poll, rounds, execute, journal,
save, detect, alerts, report, wait."""
