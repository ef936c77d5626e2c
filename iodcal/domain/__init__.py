"""The pure core: values in, values out. No clock, no file, no network, no log; `now` is an argument."""
