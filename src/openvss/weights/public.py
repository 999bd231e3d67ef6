"""Finds published weights: in a local folder, the cache of the Hugging Face hub, or the hub itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from openvss.errors import InputError
from openvss.weights.checkpoint import load_state
from openvss.weights.strict import fill

FOLDER = "OPENVSS_WEIGHTS"  # environment: a folder that is laid out like the hub, <owner>/<name>/<file>
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def fill_published(
    module: nn.Module,
    repository: str | None,
    key_map: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
    names: Sequence[str] = WEIGHTS,
) -> None:
    """Load the weights of a hub repository such as `nvidia/mit-b2`, strictly.

    Args:
        module: What is filled.
        repository: None for sizes without published weights, which keep what they have.
        key_map: From their names to ours.
        names: Files in which the repository may have them.
    """
    if repository is not None:
        file = public_file(repository, *names)
        fill(module, key_map(load_state(file)), str(file))


def public_file(repository: str, *names: str) -> Path:
    """The first of these files that a repository has; an `InputError` if none can be found.

    The local folder comes first, then the hub's cache; the network is asked last. A folder that holds the
    files can be given in place of a repository.
    """
    if found := next(filter(None, (_local(repository, name) for name in names)), None):
        return found
    if repository and Path(repository).is_dir():
        raise InputError(f"The folder {repository} has no {' or '.join(names)}: it does not hold this model.")
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise InputError(
            f"{repository!r} is neither a folder nor a name on the Hugging Face hub, such as nvidia/mit-b2."
        ) from error
    for name in names:
        if isinstance(cached := try_to_load_from_cache(repository, name), str):
            return Path(cached)
    return _download(repository, names)


def find_public(repository: str, name: str) -> Path | None:
    """A file that a repository may have or not."""
    try:
        return public_file(repository, name)
    except InputError:
        return None


def _local(repository: str, name: str) -> Path | None:
    if repository and (here := Path(repository) / name).is_file():
        return here
    root = os.environ.get(FOLDER)
    if not root:
        return None
    owner, _, own = repository.partition("/")
    places = (Path(root) / owner / own / name, Path(root) / own / name)
    return next((place for place in places if place.is_file()), None)


def _download(repository: str, names: tuple[str, ...]) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RepositoryNotFoundError

    for name in names:
        try:
            return Path(hf_hub_download(repository, name))
        except LocalEntryNotFoundError as error:  # also an EntryNotFoundError, but says nothing about the hub
            raise _unreachable(repository) from error
        except RepositoryNotFoundError as error:
            raise InputError(
                f"The Hugging Face hub has no public repository {repository}: check the name."
            ) from error
        except EntryNotFoundError:
            continue
        except OSError as error:
            raise _unreachable(repository) from error
    raise InputError(f"The repository {repository} of the Hugging Face hub has no {' or '.join(names)}.")


def _unreachable(repository: str) -> InputError:
    return InputError(
        f"{repository} is not on this machine and the Hugging Face hub cannot be reached: go online once, or "
        f"put its files into {repository} in a folder and name that folder in ${FOLDER}."
    )
