"""A server with the API of S3, on a port of this machine: moto's, in an environment of its own (./run s3)."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxies import free_port
from service import ROOT

MANIFEST = "/.pprnet-feeds/manifest.json"
# The server looks who asks, but not at the signature.
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}

PYTHON = ROOT / ".venv-s3/bin/python"


@dataclass(frozen=True)
class Storage:
    """A running server.

    Attributes:
        environ: the AWS variables that lead there.
        log: the file with a line a request.
    """

    port: int
    environ: dict[str, str]
    log: Path

    def bucket(self, name: str) -> str:
        """Make a bucket."""
        address = f"http://127.0.0.1:{self.port}/{name}"
        request = urllib.request.Request(address, method="PUT", headers={"Content-Length": "0"})
        with urllib.request.urlopen(request, timeout=10):
            return name

    def ask(self, path: str) -> tuple[dict[str, str], bytes]:
        """Get an object: header fields and bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=_SIGNED)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (path, answer.status, body)
            return {name.lower(): value for name, value in answer.getheaders()}, body

    def tamper(self, path: str, body: bytes | None) -> None:
        """Put an object behind our back; None removes one."""
        method = "DELETE" if body is None else "PUT"
        address = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(address, data=body, method=method, headers=_SIGNED)
        with urllib.request.urlopen(request, timeout=10):
            pass

    def keys(self, bucket: str) -> dict[str, str]:
        """Every key and the entity tag of its object, the manifest left out."""
        found: dict[str, str] = {}
        page = self.ask(f"/{bucket}?list-type=2")[1].decode()
        while True:
            for one in re.findall(r"<Contents>(.*?)</Contents>", page, re.DOTALL):
                found[_field("Key", one)] = _field("ETag", one)
            more = _field("NextContinuationToken", page)
            if not more:
                return {name: tag for name, tag in found.items() if not f"/{name}".endswith(MANIFEST)}
            page = self.ask(f"/{bucket}?list-type=2&continuation-token={more}")[1].decode()

    def requests(self) -> list[str]:
        """Method and path of every request so far."""
        # The server colours the requests that it refused.
        lines = re.sub("\x1b\\[[0-9;]*m", "", self.log.read_text("utf-8")).splitlines()
        found = (re.search(r'"([A-Z]+ \S+) HTTP/1', line) for line in lines)
        return [match[1] for match in found if match]


@contextlib.contextmanager
def running(**settings: str) -> Iterator[Storage]:
    """Run the server until the block ends; *settings* are variables that it knows."""
    if not PYTHON.exists():
        missing = "there is no .venv-s3 with a server with the API of S3 (./run s3)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    port = free_port()
    log = Path(tempfile.mkdtemp(prefix="s3")) / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=output, stderr=output, env={**os.environ, **settings},
        )  # fmt: skip
    keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_REGION": "us-east-1"}
    try:
        _wait(port, process)
        yield Storage(port, {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}, log)
    finally:
        process.terminate()
        process.wait(timeout=10)
        log.unlink()
        log.parent.rmdir()


def _field(name: str, text: str) -> str:
    match = re.search(f"<{name}>(.*?)</{name}>", text)
    return match[1] if match else ""


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/moto-api/")
                connection.getresponse().read()
            return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")
