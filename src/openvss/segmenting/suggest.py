"""What else may be in a video, out of common words: where the given words fit badly, or if none are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from openvss.engines.contract import Facts
from openvss.errors import InputError
from openvss.segmenting.segmenter import Segmenter
from openvss.video.glance import glance
from openvss.video.labelmap import LabelMap
from openvss.video.sources import Source
from openvss.video.spread import Spread, evenly
from openvss.words import builtin
from openvss.words.rest import NAME
from openvss.words.vocabulary import Label, Vocabulary

if TYPE_CHECKING:
    from openvss.models.rest import Rest

Shares = npt.NDArray[np.float64]

FRAMES = 9  # that are looked at
UNCERTAIN = 0.7  # confidence below which a pixel counts as badly labelled
LARGE, NAMED = 0.10, 0.04  # shares of the picture: of all suggested words together, and of each
MOST_SUGGESTED = 3
IN_LISTS = 3  # built-in lists have a word that is proposed: it is usual
USUAL = 0.1  # of the share of its largest word: from there on the most usual word names a group
PROPOSED, MOST_PROPOSED = 0.015, 12  # a share, and words


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A common word that fits better than the given ones, or in place of everything else.

    Attributes:
        word: What to add.
        share: Of the picture, averaged over some frames.
    """

    word: str
    share: float


class Suggester:
    """Looks at a few frames as they are labelled, where other words may belong.

    Args:
        segmenter: What labels them.
        n_frames: How many will come; None if that is not known.
    """

    def __init__(self, segmenter: Segmenter, n_frames: int | None) -> None:
        self._segmenter = segmenter
        self._able = _tells_quickly(segmenter.model)
        self._wanted = None if n_frames is None else set(evenly(list(range(n_frames)), FRAMES))
        self._shares: Spread[Shares] = Spread(FRAMES if n_frames else FRAMES // 3)

    def look(self, labels: LabelMap) -> None:
        """Take what the segmenter has just labelled."""
        if self._able and self._is_wanted(labels.index):
            self._shares.keep(self._hidden_shares(_badly_labelled(labels)))

    def suggestions(self) -> tuple[Suggestion, ...]:
        """The words that fill the largest parts; none if all of them together are no large one."""
        kept = self._shares.picked()
        if not kept or not any(shares.any() for shares in kept):
            return ()
        found = _merged(self._rest.words.names[-len(kept[0]) :], np.mean(kept, axis=0))
        found = [one for one in found if one.share >= NAMED][:MOST_SUGGESTED]
        return tuple(found) if sum(one.share for one in found) >= LARGE else ()

    def _is_wanted(self, index: int) -> bool:
        return index in self._wanted if self._wanted is not None else self._shares.wants_next()

    @cached_property
    def _rest(self) -> Rest:
        """The given words against common ones."""
        from openvss.models.rest import prepare

        vocabulary, place = self._segmenter.vocabulary, self._segmenter.rest
        if place is None:
            vocabulary, place = Vocabulary((*vocabulary, Label(NAME, (NAME,)))), len(vocabulary)
        return prepare(self._segmenter.model, vocabulary, place)

    def _hidden_shares(self, bad: npt.NDArray[np.bool_]) -> Shares:
        """(M,): in what share of the picture each common word is the best of all, where labels are bad."""
        handicaps = np.asarray(self._rest.handicaps)
        if bad.mean() < NAMED:
            return np.zeros(len(handicaps))
        logits = self._segmenter.score(self._rest.words)
        asked = len(logits) - len(handicaps)
        hidden = logits[asked:] - handicaps[:, None, None]
        best = np.concatenate([logits[:asked], hidden]).argmax(0) - asked
        here = _coarse(bad, (best.shape[0], best.shape[1])) & (best >= 0)
        return np.bincount(best[here], minlength=len(handicaps)) / here.size


def sentence(suggestions: Sequence[Suggestion]) -> str:
    """What to tell a user.

    Example:
        >>> sentence([Suggestion("path", 0.31), Suggestion("wall", 0.07)])
        '38 % of the picture may be path or wall: add a word?'
    """
    *first, last = [one.word for one in suggestions]
    words = f"{', '.join(first)} or {last}" if first else last
    return f"{sum(one.share for one in suggestions):.0%}".replace("%", " %") + (
        f" of the picture may be {words}: add a word?"
    )


def propose(segmenter: Segmenter, source: Source) -> Vocabulary:
    """The common words that fill the largest parts of a few frames, near-synonyms as one.

    The segmenter needs no words, and forgets its video.
    """
    if segmenter.model.fixed_words is not None:
        raise InputError("This model has words of its own: leave WORDS out in place of auto.")
    if source.kind in ("camera", "stream"):
        raise InputError(
            f"Words cannot be proposed for {source.name}, which can be read only once: name some."
        )
    from openvss.models.rest import common_words

    names = tuple(word for word in common_words() if _lists_with(word) >= IN_LISTS)
    words = segmenter.model.embed(Vocabulary(tuple(Label(name, (name,)) for name in names)))
    shares = []
    for frame in glance(source, FRAMES):
        segmenter.reset()
        segmenter.see(frame)
        best = segmenter.score(words).argmax(0).ravel()
        shares.append(np.bincount(best, minlength=len(names)) / len(best))
    segmenter.reset()
    found = _merged(names, np.mean(shares, axis=0))
    chosen = [one for one in found if one.share >= PROPOSED][:MOST_PROPOSED] or found[:1]
    return Vocabulary(tuple(Label(one.word, (one.word,)) for one in chosen))


def _tells_quickly(model: Facts) -> bool:
    """Closed-set models have no other words; where words attend to each other, hundreds of them take long."""
    return model.fixed_words is None and not model.attends_across_words


def _badly_labelled(labels: LabelMap) -> npt.NDArray[np.bool_]:
    bad = (labels.labels == labels.unlabelled) | (labels.confidence < UNCERTAIN)
    return bad if labels.rest is None else bad | (labels.labels == labels.rest)


def _coarse(mask: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """What it is at the middle of each of (h, w) cells."""
    rows, columns = (
        ((np.arange(n) + 0.5) * whole / n).astype(int) for n, whole in zip(size, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]


def _merged(names: Sequence[str], shares: Shares) -> list[Suggestion]:
    """The words that occur, largest first; those that mean much the same add up in the most usual of them."""
    from openvss.models.rest import alike

    order = [i for i in np.argsort(-shares, kind="stable").tolist() if shares[i] > 0]
    same = alike([names[i] for i in order])
    groups: dict[int, list[int]] = {}
    for place, i in enumerate(order):
        leader = next((other for other in groups if same[place, other]), place)
        groups.setdefault(leader, []).append(i)
    found = [
        Suggestion(_most_usual([names[i] for i in group if shares[i] >= USUAL * shares[group[0]]]), share)
        for group in groups.values()
        if (share := float(shares[group].sum()))
    ]
    return sorted(found, key=lambda one: -one.share)


def _most_usual(words: Sequence[str]) -> str:
    """The first of those that most of the built-in lists have."""
    return max(words, key=_lists_with)


def _lists_with(word: str) -> int:
    return sum(word in known for known in _lists())


@cache
def _lists() -> tuple[frozenset[str], ...]:
    lists = (builtin.class_list(name).labels for name in builtin.NAMES)
    return tuple(frozenset(word for label in labels for word in label) for labels in lists)
