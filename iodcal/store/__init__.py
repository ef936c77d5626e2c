"""What survives a run: the state, its lock, and an append-only history."""
