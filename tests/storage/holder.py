"""`python -m tests.storage.holder FOLDER [fork|fork-disown]`: holds a folder until it is killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from openvss.storage.lock import FolderLock

if __name__ == "__main__":
    lock = FolderLock(Path(sys.argv[1]))
    lock.acquire()
    child = os.fork() if sys.argv[2:] else None
    if child == 0:
        if sys.argv[2] == "fork-disown":
            lock.disown()
        print(os.getpid(), flush=True)
    elif child is None:
        print(os.getpid(), flush=True)
    time.sleep(600)
