"""Metrics for Prometheus, as a file that node_exporter's textfile collector reads.

`families` says what there is, `samples` takes it from a run, `exposition` puts it into text, `textfile`
replaces the file, `writing` does all that for a run, `pointer` finds the file where the configuration does
not load.
"""
