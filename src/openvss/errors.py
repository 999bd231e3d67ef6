"""Everything that OpenVSS raises on purpose. Each message is one sentence that says what to do."""


class OpenVSSError(Exception):
    """Base of all errors below; `exit_code` is what the command line ends with."""

    exit_code = 1


class InputError(OpenVSSError):
    """An argument, a file or a word that cannot be used."""

    exit_code = 2


class BrokenVideoError(OpenVSSError):
    """A video that stopped being readable partway; everything before the break was delivered."""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM; not a KeyboardInterrupt, which typer would turn into an exit code of its own."""


class OutputError(OpenVSSError):
    """A result that could not be written: disk full, folder not writable."""


class TrainingError(OpenVSSError):
    """A training run that cannot go on: a loss that is not a number, too little memory."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so; PyTorch's own is a RuntimeError, on the processor with nothing but a text."""
    text = str(error).lower()
    told = "out of memory" in text or "can't allocate memory" in text
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and told)
