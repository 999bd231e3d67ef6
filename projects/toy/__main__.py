"""The command line with the toy encoders: `python -m projects.toy train projects/toy/recipes/ov2vss.yaml`."""

from openvss.cli import main

if __name__ == "__main__":
    main()
