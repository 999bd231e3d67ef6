"""Toy experiments of the papers: comparisons of methods that fit two cores.

Importing the package makes the backbone and the image-text pair `toy` known by their names.
"""

from openvss.models.encoders.backbones import BACKBONES
from openvss.models.encoders.pairs import PAIRS, PYRAMIDS
from projects.toy.encoders import ToyBackbone, ToyPair
from projects.toy.pyramid import ToyPyramid

BACKBONES.add("toy", ToyBackbone)
PAIRS.add("toy", ToyPair)
PYRAMIDS.add("toy", ToyPyramid)
