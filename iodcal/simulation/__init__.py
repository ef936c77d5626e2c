"""What would have happened: the program's own runs at virtual time, over real calendars.

The runs are those of `iodcal.pipeline.run`, with nothing left out. What differs is around them: `environment`
puts a replay in the place of every calendar, a sandbox in memory in the place of every carrier, and a clock
that jumps. No order can reach a carrier, since no part of a carrier's client is ever made: the configuration
that the runs get names none.
"""
