"""`python -m taciturn`."""

from .cli import main

main()
