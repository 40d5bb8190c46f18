"""Segments images, folders and videos: ``predict.py CONFIG CHECKPOINT INPUTS --out DIR``."""

from mmseg.commands.predict import main

if __name__ == "__main__":
    main()
