"""Tests of the parts of `iodcal doctor` that need no server."""
