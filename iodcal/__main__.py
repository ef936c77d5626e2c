"""`python -m iodcal`."""

from iodcal.cli import main

main()
