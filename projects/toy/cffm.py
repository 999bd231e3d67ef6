"""SegFormer, CFFM and CFFM++ on small noisy videos: `python -m projects.toy.cffm --out DIR [--workers 2]`.

What is compared, and on what, is frozen in `cffm_toy.yaml`; how it is done, and resumed, is in `toytable.py`.
"""

from pathlib import Path

from projects.toy import table as toytable

if __name__ == "__main__":
    toytable.main(Path(__file__).with_suffix(".yaml"))
