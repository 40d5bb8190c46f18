"""ZeRO without its engine: settings, presets, checkpoint format. The engine: ``deepspeed.py``."""
