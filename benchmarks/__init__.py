"""Speed, as figures and as ratios measured in one run: `python -m benchmarks`."""
