"""Reads every file of the data sets once: ``check_data.py CONFIG --out DIR``."""

from mmseg.commands.check_data import main

if __name__ == "__main__":
    main()
