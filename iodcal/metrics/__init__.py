"""Metrics for Prometheus, as a file that node_exporter's textfile collector reads.

`families` says what there is, `samples` takes it from a run, `exposition` puts it into text, `textfile`
writes that, and `pointer` finds the file where the configuration does not load.
"""

from iodcal.metrics.pointer import keep as keep_pointer
from iodcal.metrics.writing import write, write_without_configuration

__all__ = ["keep_pointer", "write", "write_without_configuration"]
