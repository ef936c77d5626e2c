"""Pages: HTML files that need nothing else. No script, no address, nothing but itself."""
