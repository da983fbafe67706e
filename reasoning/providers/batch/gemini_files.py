"""Uploads to Google's files, which keep a file for two days.

Source: https://ai.google.dev/api/files
"""

from __future__ import annotations

from urllib.parse import urlsplit

from reasoning.errors import CallFailed
from reasoning.providers.batch.http import BatchHttp, read_id


async def upload(http: BatchHttp, base: str, label: str, data: bytes) -> str:
    """Upload lines of JSON, and return the name of the file.

    Args:
        http: sends the requests.
        base: the address to which it sends them.
        label: the name that is shown for the file.
        data: the lines.

    Raises:
        CallFailed: a request failed, or the server names an address of another one for the upload.
    """
    about = {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(len(data)),
        "X-Goog-Upload-Header-Content-Type": "application/jsonl",
    }
    named = {"file": {"displayName": label}}
    address = urlsplit(await http.header("/upload/v1beta/files", named, about, "X-Goog-Upload-URL"))
    own = urlsplit(base)
    if (address.scheme, address.netloc) != (own.scheme, own.netloc):
        # The key goes with it.
        raise CallFailed(f"the server must name an address of its own for an upload, got {address.netloc!r:.80}")
    sent = {"X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize"}
    path = f"{address.path}?{address.query}".removeprefix(own.path)
    uploaded = await http.json("POST", path, data=data, headers=sent)
    file = uploaded.get("file")
    return "files/" + read_id(file if isinstance(file, dict) else {}, "name", "files/")
