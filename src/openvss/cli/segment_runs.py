"""What `openvss segment` does with each input, and what it says about it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from openvss.cli import opening
from openvss.cli.job_progress import JobProgress
from openvss.cli.progress import emit, resumable
from openvss.errors import BrokenVideoError, InputError, OpenVSSError, OutputError
from openvss.segmenting.job import AUTO
from openvss.wording import counted
from openvss.words import builtin

if TYPE_CHECKING:
    from openvss.segmenting.job import Job, Result
    from openvss.segmenting.segmenter import Segmenter
    from openvss.segmenting.suggest import Suggestion
    from openvss.video.part import Part
    from openvss.video.several import Entry
    from openvss.video.sources import Source

FINISHED = "run.json"  # is in the folder of a finished run
TAKE_AUTO = ("-o", "--out", "--device")  # options whose value may be this word
MOST_NAMED = 5  # inputs that failed, or words that are unknown


class Runs:
    """One input after another, with one model.

    Args:
        job: The model, words and formats.
        shown: What shows how far a job is.
        rate: Of folders of frames.
        part: Of each input.
        resume: Continue interrupted runs.
        overwrite: Replace runs.
        skip_existing: Leave finished runs alone.
        preview: Make contact sheets in place of results.
        opens: Show what was made.
        quiet: Say nothing.
        as_json: Say it as JSON.
    """

    def __init__(
        self,
        job: Job,
        shown: JobProgress,
        *,
        rate: Fraction | None,
        part: Part,
        resume: bool,
        overwrite: bool,
        skip_existing: bool,
        preview: bool,
        opens: bool,
        quiet: bool,
        as_json: bool,
    ) -> None:
        self._job, self._shown = job, shown
        self._rate, self._part = rate, part
        self._resume, self._overwrite, self._skip_existing = resume, overwrite, skip_existing
        self._preview, self._opens = preview, opens
        self._talks, self._as_json = not (quiet or as_json), as_json
        self._introduced = False

    def one(self, spec: str, out: Path | None, *, alone: bool = True) -> None:
        """Segment one input; without `out`, in a folder named after it.

        `alone` says how to go on if it is stopped.
        """
        from openvss.segmenting.places import default_folder, open_input

        if out is not None and self._is_skipped(spec, out):
            return
        source = open_input(spec, self._rate, self._part)
        folder = out or default_folder(source)
        if out is None and self._is_skipped(spec, folder):
            return
        if self._job.auto:
            self._propose(source)
        if self._preview:
            self._sheet(source, folder)
            return
        self._shown.begin(default_folder(source).name, lambda finished: self._begun(source, folder, finished))
        with resumable(overwrite=self._overwrite) if alone and source.files else nullcontext():
            result = self._job.run(source, folder, self._resume, self._overwrite)
        self._shown.close()
        self._suggest(source, result.suggestions)
        self._report(result)
        if result.broken:
            raise BrokenVideoError(result.broken)

    def all(self, entries: Sequence[Entry], out: Path) -> None:
        """Segment each input in a folder of its own below `out`; one that fails does not stop the others."""
        if self._job.auto:
            raise InputError("auto proposes words for one input: name the words for several.")
        left = [entry for entry in entries if not self._is_skipped(entry.spec, out / entry.name)]
        failed: list[str] = []
        with resumable(overwrite=self._overwrite):
            if left:
                _ = self._job.segmenter  # what is wrong with the model is wrong for all of them
            for number, entry in enumerate(left, 1):
                if self._talks:
                    typer.echo(f"[{number}/{len(left)}] {entry.spec}", err=True)
                try:
                    self.one(entry.spec, out / entry.name, alone=False)
                except OutputError:  # the others would fail, too
                    raise
                except OpenVSSError as error:
                    failed.append(entry.spec)
                    if self._as_json:
                        emit("failed", input=entry.spec, message=str(error))
                    typer.echo(f"{entry.spec}: {error}", err=True)
        self._summarise(len(entries), failed, out)

    def _summarise(self, number: int, failed: Sequence[str], out: Path) -> None:
        if self._as_json:
            emit("summary", inputs=number, failed=failed)
        if failed:
            more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
            named = ", ".join(failed[:MOST_NAMED]) + more
            raise OpenVSSError(f"{len(failed)} of {number} inputs failed, as said above: {named}.")
        if self._talks:
            typer.echo(f"All {number} inputs are done; in {out}" if number > 1 else f"Done; in {out}")

    def _is_skipped(self, spec: str, folder: Path) -> bool:
        skipped = self._skip_existing and (folder / FINISHED).exists()
        if skipped and self._as_json:
            emit("skipped", input=spec, out=str(folder))
        elif skipped and self._talks:
            typer.echo(f"{spec} is finished in {folder}")
        return skipped

    def _sheet(self, source: Source, folder: Path) -> None:
        from openvss.segmenting.preview import preview

        path = folder.with_name(f"{folder.name}-preview.png")
        self._introduce()
        frames, suggestions = preview(self._job, source, path)
        if self._as_json:
            emit("preview", input=source.name, file=str(path), frames=frames)
        elif self._talks:
            typer.echo(str(path))
        self._suggest(source, suggestions)
        if self._opens:
            opening.show(path)

    def _propose(self, source: Source) -> None:
        """Choose words for the input, and say with which command one goes on."""
        words = str(self._job.propose(source))
        if self._as_json:
            emit("words", input=source.name, words=words)
        elif self._talks:
            typer.echo(f"Words of the same run, to change as you like:\n{_command(words)}", err=True)

    def _suggest(self, source: Source, suggestions: Sequence[Suggestion]) -> None:
        """Say which words may be missing."""
        from openvss.segmenting.suggest import sentence

        if not suggestions:
            return
        if self._as_json:
            shares = {one.word: round(one.share, 3) for one in suggestions}
            emit("suggest", input=source.name, words=shares)
        elif self._talks:
            typer.echo(sentence(suggestions), err=True)

    def _begun(self, source: Source, folder: Path, finished: int) -> None:
        self._introduce()
        if self._as_json:
            names = self._job.segmenter.vocabulary.names
            emit("start", input=source.name, out=str(folder), words=names, finished=finished)

    def _introduce(self) -> None:
        """Say once which model computes where, and what is remarkable about the words."""
        if self._introduced or not self._talks:
            return
        from openvss.video.lettering import without_font

        self._introduced = True
        segmenter = self._job.segmenter
        typer.echo(f"{self._job.model} on {segmenter.engine.describe()}", err=True)
        names = segmenter.vocabulary.names
        asked = [name for i, name in enumerate(names) if i != segmenter.rest]
        if len(asked) == 1 and (hint := _about_one_word(asked[0], alone=len(names) == 1)):
            typer.echo(hint, err=True)
        for doubt in _about_words(segmenter):
            typer.echo(doubt, err=True)
        if lacking := without_font(names):
            typer.echo(_about_letters(lacking), err=True)

    def _report(self, result: Result) -> None:
        shown = next((name for name in result.files if name.startswith(("overlay", "sheet"))), None)
        if self._as_json:
            emit(
                "done",
                frames=result.frames,
                resumed=result.resumed,
                out=str(result.out),
                files=result.files,
                broken=result.broken,
            )
        elif self._talks:
            again = f", {result.resumed} of them from the earlier run" if result.resumed else ""
            typer.echo(
                f"{counted(result.frames, 'frame')} labelled{again}; in {result.out}: "
                f"{', '.join(result.files)}"
            )
            if shown:
                typer.echo(str(result.out / shown))
        if self._opens:
            opening.show(result.out / shown if shown else result.out)


def _command(words: str) -> str:
    """This command with words in place of `auto`, as a shell takes it."""
    parts = sys.argv[1:]
    pairs = enumerate(pairwise(["", *parts]))
    # The last one: an input may be called so, too.
    place = max(i for i, (before, part) in pairs if part.strip().lower() == AUTO and before not in TAKE_AUTO)
    return shlex.join(["openvss", *parts[:place], words, *parts[place + 1 :]])


def _about_one_word(word: str, *, alone: bool) -> str | None:
    from difflib import get_close_matches

    longer = [name for name in builtin.NAMES if len(word) > 2 and name.startswith(word)]
    meant = longer or get_close_matches(word, builtin.NAMES, n=1, cutoff=0.7)
    parts = [f"Every pixel will be {word!r}, the only word given: leave --no-others out."] if alone else []
    if Path(word).is_file():
        parts.append(f"To use the words in that file, give @{word}.")
    elif meant:
        parts.append(f"{word!r} is taken for a word; the list is called {meant[0]}.")
    return " ".join(parts) or None


def _about_words(segmenter: Segmenter) -> Iterator[str]:
    """What may be wrong with a user's own words for a model that knows English only."""
    from openvss.models.doubtful_words import looks_like_several, near_spellings, unknown_words
    from openvss.models.encoders.minilm import MiniLM

    text = segmenter.model.text
    if not isinstance(text, MiniLM) or segmenter.vocabulary.source is not None:
        return
    labels = [label for i, label in enumerate(segmenter.vocabulary) if i != segmenter.rest]
    asked = [word for label in labels for word in label.synonyms]
    if len(asked) == 1 and looks_like_several(asked[0]):
        yield f"{asked[0]!r} is one label: put commas between labels."
    unknown = unknown_words(asked, text)
    for word in unknown[:MOST_NAMED]:
        near = " or ".join(map(repr, near_spellings(word, text)))
        meant = f" Do you mean {near}?" if near else ""
        yield f"{word!r} is no English word that this model knows of: its labels may be arbitrary.{meant}"
    if len(unknown) > MOST_NAMED:
        yield f"The same goes for {counted(len(unknown) - MOST_NAMED, 'more word')}."


def _about_letters(lacking: str) -> str:
    some = lacking if len(lacking) <= 10 else f"{lacking[:10]}…"
    return f"No font here has {some}: install one, or pictures show code points in place of these letters."
