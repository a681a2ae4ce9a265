"""Object storage that speaks S3 as the place of a copy.

Where it is and who we are comes from the usual AWS variables. An object
appears whole or not at all; it is uploaded again only when the document
changed, or when what is there is not what was put there.

There is no lock: the manifest is replaced only as it was read, so that of two
builds the one that is late stops and says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from pprnet_feeds.publishing.exporting.manifest import ENDINGS, FILE, RefusedError

if TYPE_CHECKING:
    from obstore import PutMode

# An upload waits for the other side more than for us.
WORKERS = 8
# A connection that fails is tried again by the library, a few seconds long.
RETRIES = 4

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_ANSWER = re.compile(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>")
# Where the library asks for credentials when nobody gave it any.
_NO_CREDENTIALS = "//169.254."


class Bucket:
    """A bucket, or a prefix in one; *address* is ``s3://bucket/prefix``.

    Every method raises `RefusedError` for what the storage refuses.
    """

    workers = WORKERS

    def __init__(self, address: str, environ: Mapping[str, str]) -> None:
        parts = urlsplit(address)
        if not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment:
            mend = "Write it like s3://my-bucket or s3://my-bucket/feeds."
            raise RefusedError("it is no address of a bucket", mend)
        endpoint = next((environ[name] for name in _ENDPOINTS if environ.get(name)), "")
        try:
            self._store = S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                client_options={"allow_http": endpoint.startswith("http://")},
                retry_config={"max_retries": RETRIES},
            )
        except (BaseError, ValueError) as error:
            raise _refused(error) from error
        self._manifest: str | None = None
        if not self.load() and self.held():
            mend = "Give another prefix, or empty this one yourself: nothing in it is overwritten."
            raise RefusedError("it holds objects that no build made", mend)

    def close(self) -> None:
        """Nothing is to be let go of."""

    def held(self) -> dict[str, str]:
        """Key -> entity tag of every object that is there, but not of the manifest."""
        try:
            found = [one for part in obstore.list(self._store, chunk_size=1000) for one in part]
        except (BaseError, OSError) as error:
            raise _refused(error) from error
        return {one["path"]: one["e_tag"] or "" for one in found if one["path"] != FILE}

    def load(self) -> str:
        """The manifest; empty when there is none."""
        try:
            found = obstore.get(self._store, FILE)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise _refused(error) from error
            return ""
        except (BaseError, OSError) as error:
            raise _refused(error) from error
        self._manifest = found.meta["e_tag"]
        return bytes(found.bytes()).decode()

    def save(self, text: str) -> None:
        """Keep the manifest, unless another build has kept one since it was read or kept."""
        mode: PutMode = {"e_tag": self._manifest} if self._manifest else "create"
        attributes = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        try:
            made = obstore.put(self._store, FILE, text.encode(), attributes=attributes, mode=mode)
        except (AlreadyExistsError, PreconditionError):
            mend = "Wait until it is done, then build again."
            raise RefusedError("another build is at work there", mend) from None
        except (BaseError, OSError) as error:
            raise _refused(error) from error
        self._manifest = made["e_tag"]

    def keep(self, name: str, bodies: Mapping[str, bytes], headers: Mapping[str, str]) -> dict[str, str]:
        """Upload an object and its siblings, given by the ending of their names; gives their entity tags."""
        stamps = {}
        for ending, body in bodies.items():
            coding = {"Content-Encoding": ENDINGS[ending]} if ending else {}
            try:
                made = obstore.put(self._store, name + ending, body, attributes={**headers, **coding})
            except (BaseError, OSError) as error:
                raise _refused(error) from error
            stamps[ending] = made["e_tag"] or ""
        return stamps

    def delete(self, names: Collection[str]) -> None:
        """Remove objects, a thousand a request."""
        try:
            obstore.delete(self._store, list(names))
        except (BaseError, OSError) as error:
            raise _refused(error) from error


def _refused(error: Exception) -> RefusedError:
    """What the storage answered, in one line."""
    told = str(error)
    if _NO_CREDENTIALS in told:
        return RefusedError("no credentials are set", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    answer = _ANSWER.search(told)
    what = f"{answer[1]}: {answer[2]}" if answer else told.partition("\n")[0].strip()
    mend = "Look at AWS_ENDPOINT_URL, AWS_REGION, the credentials and the name of the bucket."
    return RefusedError(what, mend)
