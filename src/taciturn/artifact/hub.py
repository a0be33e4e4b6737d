"""Models on the Hugging Face Hub: a model's folder is uploaded, or downloaded. No file of it is run."""

import os
import re
from pathlib import Path
from typing import Any

from ..core.errors import ArtifactError, TaciturnError
from ..core.messages import one_line
from ..core.run_folder import IMPUTER_ARRAYS, IMPUTER_CONFIG, IMPUTER_NETWORK, MODEL_FILES
from .foreign import FORMATS

# `Path` makes one slash of two
_ADDRESS = re.compile(r"hf:/{1,2}(?P<name>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?(/(?P<folder>.+?))?/?")
FILES = sorted(
    {IMPUTER_CONFIG, IMPUTER_ARRAYS}.union(MODEL_FILES, *(each.files for each in FORMATS.values())) - {"recipe.toml"}
)
NETWORKS = [f"{IMPUTER_NETWORK}*/{name}" for name in sorted(MODEL_FILES)]  # of an imputer


def local_folder(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Return where a model's folder is on this machine; one of the Hub is downloaded, unless that was done before.

    Parameters
    ----------
    path : str or path-like
        A path, which is returned as it is, or "hf://user/name[@revision][/folder]".

    Returns
    -------
    str or path-like

    Raises
    ------
    ArtifactError
        There is no such repository or revision, it holds no model, the Hub cannot be reached, or huggingface_hub is
        not installed.

    Notes
    -----
    huggingface_hub keeps what it downloaded. Its token, by HF_TOKEN or `hf auth login`, opens private repositories.
    """
    if not os.fspath(path).startswith("hf:/"):
        return path
    url = re.sub("^hf:/+", "hf://", os.fspath(path))
    parts = _ADDRESS.fullmatch(url)
    if parts is None:
        raise ArtifactError(f"{one_line(url)}: a model of the Hub is hf://user/name[@revision][/folder]")
    hub = _hub(url)
    folder = parts["folder"]
    wanted = [f"{folder}/{name}" if folder else name for name in (*FILES, *NETWORKS)]
    try:
        root = hub.snapshot_download(parts["name"], revision=parts["revision"], allow_patterns=wanted)
    except Exception as error:  # its own, and those of the client of HTTP below it
        raise ArtifactError(f"{one_line(url)}: {_reason(error, hub)}") from error
    local = Path(root, folder or "")
    if not any((local / name).is_file() for name in FILES):
        raise ArtifactError(f"{one_line(url)} holds no model that taciturn reads; name the folder that does")
    return local


def address(name: str, revision: str | None) -> str:
    """Return the address of a repository "user/name" that `local_folder` takes."""
    return f"hf://{name}" + (f"@{revision}" if revision else "")


def upload(folder: Path, name: str, *, revision: str | None, private: bool | None) -> str:
    """Upload a folder's files as one commit to a repository of the Hub, which is created if it does not exist.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        The repository, "user/name".
    revision : str or None
        The branch; None: the main one.
    private : bool or None
        Whether a new repository is private; None: as the user's account has it.

    Returns
    -------
    str
        The address that `local_folder` takes.

    Raises
    ------
    TaciturnError
        The name is not valid, the Hub refuses the upload or cannot be reached, or huggingface_hub is not installed.
    """
    url = address(name, revision)
    hub = _hub(url)
    try:
        api = hub.HfApi(library_name="taciturn")
        api.create_repo(name, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(name, branch=revision, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=folder, revision=revision, commit_message="Upload a taciturn model")
    except Exception as error:  # its own, and those of the client of HTTP below it
        raise TaciturnError(f"{one_line(url)}: {_reason(error, hub)}") from error
    return url


def _hub(url: str) -> Any:
    """Return the package huggingface_hub."""
    try:
        import huggingface_hub
    except ImportError as error:
        message = f"{one_line(url)} needs the package huggingface_hub: pip install huggingface_hub"
        raise ArtifactError(message) from error
    return huggingface_hub


def _reason(error: Exception, hub: Any) -> str:
    """Return what went wrong and what to do, in one line. The package's messages hold no token."""
    known = hub.errors
    if isinstance(error, known.GatedRepoError):
        return "access is granted on its page; request it there, then set HF_TOKEN"
    if isinstance(error, known.RepositoryNotFoundError):
        return "no such repository, or a private one; correct the name, or set HF_TOKEN"
    if isinstance(error, known.RevisionNotFoundError):
        return "no such revision; correct the name after @"
    if isinstance(error, known.HFValidationError):
        return f"{one_line(error)}; correct the name"
    response = getattr(error, "response", None)
    if response is not None and response.status_code in (401, 403):
        return "the Hub refuses it; set HF_TOKEN to a token with the right to write"
    return f"{one_line(error)}; check the connection, HF_ENDPOINT and HF_HUB_OFFLINE"
