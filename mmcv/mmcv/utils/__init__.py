"""The small helpers of 1.x."""
