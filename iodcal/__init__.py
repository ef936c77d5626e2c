"""Orders internet bandwidth up and down so that circuits are at tier when calendar events begin."""

__version__ = "0.1.0"
