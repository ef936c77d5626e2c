"""Wild input to every parser: only documented errors may come of it."""
