"""Days of runs with everything going wrong: what must hold after every step."""
