"""How results are shown: text for people, JSON for scripts. Values come in, nothing is decided here."""
