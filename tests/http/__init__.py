"""How sessions treat servers, good and bad."""
