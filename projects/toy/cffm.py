"""SegFormer, CFFM and CFFM++ on small noisy videos: `python -m projects.toy.cffm --out DIR [--workers 2]`.

What is compared, and on what, is frozen in `cffm.yaml`; how it is done, and resumed, is in `table.py`.
"""

from pathlib import Path

from projects.toy.table import main

if __name__ == "__main__":
    main(Path(__file__).with_suffix(".yaml"))
