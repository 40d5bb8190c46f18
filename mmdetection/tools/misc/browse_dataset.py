"""Draws training samples: ``browse_dataset.py CONFIG --output-dir FOLDER --not-show``."""

from mmdet.apis.browse import browse_main

if __name__ == "__main__":
    browse_main()
