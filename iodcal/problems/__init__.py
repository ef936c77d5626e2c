"""The life of a problem: which kinds there are (`kinds`), how a run finds them (`detect`, with `events`,
`limits` and `left_up`), which of them are news (`alerts`), and what is said of them (`messages`)."""
