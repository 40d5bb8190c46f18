"""The mains of segmentation's tools; ``tools/*.py`` call them."""
