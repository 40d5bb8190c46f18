"""Writes training samples as pictures: ``browse_dataset.py CONFIG --output-dir DIR``."""

from mmseg.commands.browse_dataset import main

if __name__ == "__main__":
    main()
