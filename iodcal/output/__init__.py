"""What commands found out, as text, tables and JSON."""
