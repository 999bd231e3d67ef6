"""The toy version of Table III of the OV2VSS paper: `python -m projects.toy.table3 --out DIR [--workers 2]`.

What is compared, and on what, is frozen in `table3.yaml`; how it is done, and resumed, is in `table.py`.
"""

from pathlib import Path

from projects.toy.table import main

if __name__ == "__main__":
    main(Path(__file__).with_suffix(".yaml"))
