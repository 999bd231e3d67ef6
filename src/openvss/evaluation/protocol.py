"""The protocols by name: the plain one, and those that the data sets declare."""

from __future__ import annotations

from openvss.data.catalogue import LAYOUTS
from openvss.data.protocol import PLAIN, Protocol, plain
from openvss.errors import InputError
from openvss.wording import counted
from openvss.words.vocabulary import Vocabulary


def protocols() -> dict[str, Protocol]:
    """Those of the data sets, which are each for one list of words."""
    return {protocol.name: protocol for layout in LAYOUTS.values() for protocol in layout.protocols}


def protocol_names() -> tuple[str, ...]:
    """Everything that `find_protocol` knows."""
    return (PLAIN, *protocols())


def find_protocol(name: str, vocabulary: Vocabulary) -> Protocol:
    """The protocol of that name for the words of a data set, whatever wording was chosen for them."""
    if name == PLAIN:
        return plain(PLAIN, len(vocabulary))
    protocol = protocols().get(name)
    if protocol is None:
        raise InputError(f"Unknown protocol {name!r}: choose one of {', '.join(protocol_names())}.")
    if len(vocabulary) != protocol.n_words:
        raise InputError(
            f"The protocol {name} is for a list of {counted(protocol.n_words, 'word')}, but the data set has "
            f"{len(vocabulary)}: choose another one, such as {PLAIN}."
        )
    return protocol


def default_protocol(dataset: str) -> str:
    """The name of the protocol in which results on a data set are most often given."""
    return LAYOUTS[dataset].protocol if dataset in LAYOUTS else PLAIN
