"""`python -m fieldbox`."""

from fieldbox.cli import main

main()
