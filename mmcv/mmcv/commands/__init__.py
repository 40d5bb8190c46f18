"""The mains of tools that both tasks have; ``tools/*.py`` call them."""
