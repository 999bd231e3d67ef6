"""`python -m openvss` is `openvss`."""

from openvss.cli import main

main()
