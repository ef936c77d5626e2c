"""Problems as values: which kinds there are (`kinds`), which events are at risk (`at_risk`), what money and
quota forbid (`limits`), and what is said of each (`messages`). `pipeline.detect` finds them; which of them
are news is decided by `pipeline.alerts`."""
