"""Calendars: every kind against what its real servers are known to do."""
