"""Everything that OpenVSS raises on purpose. Each message is one sentence that says what to do."""


class OpenVSSError(Exception):
    """Base of the errors below; `exit_code` is what the command line ends with.

    Example:
        >>> import openvss
        >>> try:
        ...     openvss.load("huge")
        ... except openvss.OpenVSSError as error:
        ...     print(type(error).__name__, error.exit_code)
        InputError 2
    """

    exit_code = 1


class InputError(OpenVSSError):
    """An argument, a file or a word that cannot be used.

    Example:
        >>> import openvss
        >>> openvss.Vocabulary.parse("road,, sky")
        Traceback (most recent call last):
        openvss.errors.InputError: Label 2 of 'road,, sky' is empty: remove the extra comma.
    """

    exit_code = 2


class BrokenVideoError(OpenVSSError):
    """A video that stopped being readable partway; everything before the break was delivered.

    Example:
        >>> import tempfile, openvss
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (64, 48)).save(f"{folder}/0.png")
        ...     _ = Path(folder, "1.png").write_bytes(b"not an image")
        ...     try:
        ...         for frame in openvss.open_source(folder):
        ...             print("frame", frame.index)
        ...     except openvss.BrokenVideoError:
        ...         print("the rest cannot be read")
        frame 0
        the rest cannot be read
    """


class Stopped(BaseException):
    """Ctrl-C or SIGTERM in a command; not a KeyboardInterrupt, which typer gives its own exit code.

    It is not an `OpenVSSError`, nor even an `Exception`, so that no handler takes it for a failure:

    Example:
        >>> import openvss
        >>> issubclass(openvss.Stopped, Exception)
        False
    """


class OutputError(OpenVSSError):
    """A result that could not be written: disk full, folder not writable.

    Example:
        >>> import openvss
        >>> openvss.OutputError.exit_code, openvss.InputError.exit_code
        (1, 2)
    """


class TrainingError(OpenVSSError):
    """A training run that cannot continue: a loss that is not a number, too little memory.

    Example:
        >>> import openvss
        >>> issubclass(openvss.TrainingError, openvss.OpenVSSError)
        True
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means too little memory; on the CPU, PyTorch says so only in a RuntimeError's text."""
    text = str(error).lower()
    told = "out of memory" in text or "can't allocate memory" in text
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and told)
