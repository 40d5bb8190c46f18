"""The engine both tasks share."""
