"""An order's life, from the intent on disk to what the history keeps of it: whole runs in memory."""
