"""Looking back on the service level."""
