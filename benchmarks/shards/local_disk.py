"""Folders on the local disk of a machine, for journals and for the files of workers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reasoning.errors import InputError


def private_folder(name: str, local: Path | None = None) -> Path:
    """Return a folder that only this user can read, and create it if it is missing.

    Args:
        name: its name.
        local: the folder for it; None for one in `$SLURM_TMPDIR`, else in the folder for temporary files.

    Raises:
        InputError: it cannot be created, or belongs to another user.
    """
    own = local is None
    if local is None:
        user = os.getuid() if hasattr(os, "getuid") else "user"
        local = Path(os.environ.get("SLURM_TMPDIR") or tempfile.gettempdir()) / f"reasoning-shards-{user}"
    path = local / name
    try:
        if own:
            local.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another user could have made a folder of this name, and put files into it.
        if hasattr(os, "getuid") and any(
            one.lstat().st_uid != os.getuid() for one in ((path, local) if own else [path])
        ):
            raise PermissionError(1, "the folder belongs to another user")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be used for the journal of a shard: {error.strerror}; name a folder on a local disk with "
            "--local-dir DIR"
        ) from None
    return path
