"""A state that hosts share: the protocol against real object stores, and the real command on many hosts."""
