"""Prints a config with everything it inherits and every override filled in."""

from mmcv.print_config import main

if __name__ == "__main__":
    main()
