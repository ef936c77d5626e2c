"""Local servers that stand in for real ones, written from their documentation and as strict as they are."""
