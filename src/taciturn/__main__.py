"""The command `python -m taciturn`."""

from .cli.app import main

main()
