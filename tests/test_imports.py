"""`import openvss` and `openvss --help` are instant because they import nothing heavy."""

import os
import subprocess
import sys

import pytest

import openvss
from openvss import errors

HEAVY = {"torch", "transformers", "av", "numpy", "PIL", "rich.progress"}


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('MODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split("MODULES", 1)[1].split())


def test_import_is_light() -> None:
    assert not HEAVY & modules_after("import openvss; openvss.__version__; dir(openvss)")


def test_settings_errors_and_words_are_light() -> None:
    code = "import openvss as o; o.StreamSettings(size=64); o.InputError; o.Vocabulary.parse('vspw')"
    assert not HEAVY & modules_after(code)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["segment", "--help"], ["compare", "--help"], ["--version"], ["models"]]
)
def test_help_is_light(arguments: list[str]) -> None:
    code = f"""
import openvss.cli
sys.argv = ["openvss", *{arguments!r}]
try:
    openvss.cli.main()
except SystemExit as end:
    assert not end.code
"""
    assert not HEAVY & modules_after(code)


def test_common_words_need_no_text_encoder() -> None:
    code = "import openvss as o; o.load('tiny').model.embed(o.Vocabulary.parse('dog, car | auto, pavement'))"
    assert not {"transformers", "onnxruntime"} & modules_after(code)
    modules = modules_after(code.replace("dog", "capybara"))
    assert "onnxruntime" in modules
    assert "transformers" not in modules


def test_public_names_resolve() -> None:
    code = "import openvss; [getattr(openvss, name) for name in openvss.__all__]"
    assert "openvss.segmenting.segmenter" in modules_after(code)


def test_public_names_are_those_that_resolve() -> None:
    assert set(openvss.__all__) == {*openvss._HOMES, "__version__"}


def test_all_errors_are_public() -> None:
    ours = {name for name, one in vars(errors).items() if isinstance(one, type)}
    assert ours
    assert ours <= set(openvss.__all__)


@pytest.mark.parametrize(("own", "used"), [(None, "passive"), ("active", "active")])
@pytest.mark.parametrize("module", ["openvss", "openvss.cli", "openvss.segmenting.segmenter"])
def test_openmp_is_told_how_to_wait_before_torch_reads_it(module: str, own: str | None, used: str) -> None:
    code = f"""
import os, sys
class Watch:
    def find_spec(self, name, *given):
        if name == "torch":
            print("TORCH", os.environ.get("OMP_WAIT_POLICY"))
            sys.exit()
sys.meta_path.insert(0, Watch())
import {module}
import torch
"""
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment = {**kept, **({"OMP_WAIT_POLICY": own} if own else {})}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["TORCH", used]
