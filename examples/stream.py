"""Run it with `python examples/stream.py clip.mp4 "dog, grass, person"`: what is in each frame of a video.

INPUT is a video, an image, a folder of frames, a camera's number or a stream's address. Without it, three
frames of noise are labelled: arrays from anywhere will do.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import numpy.typing as npt

import openvss


def noise() -> list[npt.NDArray[np.uint8]]:
    """Three frames, (height, width, 3) uint8 RGB."""
    return list(np.random.default_rng(0).integers(0, 256, (3, 96, 128, 3), np.uint8))


def main() -> None:
    """Print a line for each frame: its time, the share of each word and the mean confidence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("input", nargs="?", metavar="INPUT")
    parser.add_argument("words", nargs="?", metavar="WORDS", default="person, tree, grass, sky")
    parser.add_argument("--size", type=int, help="short side at which the model sees frames")
    arguments = parser.parse_args()
    try:
        segmenter = openvss.load("tiny", arguments.words, size=arguments.size)
        for frame in segmenter.stream(arguments.input or noise()):
            shares = zip(frame.words, frame.shares(), strict=False)  # the last share is of unlabelled pixels
            found = ", ".join(f"{word} {share:.0%}" for word, share in shares)
            print(f"{float(frame.time):7.3f} s  {found}  (confidence {frame.confidence.mean():.2f})")
    except openvss.OpenVSSError as error:  # one sentence that says what to do
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
