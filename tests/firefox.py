"""Debian's own Firefox, driven by WebDriver BiDi, the W3C's protocol that it speaks itself.

Playwright drives only a Firefox of its own, which would have to be downloaded.
What is needed here is little: open an address, ask the page something, and be
told of downloads.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from browser import PATIENCE, found


class Firefox:
    """One window of Firefox, driven by WebDriver BiDi (W3C)."""

    def __init__(self, socket: ClientConnection) -> None:
        self.events: list[dict[str, Any]] = []
        self._socket = socket
        self._number = 0
        self.ask("session.new", capabilities={})
        self.ask(
            "session.subscribe",
            events=[
                "browsingContext.downloadWillBegin",
                "browsingContext.userPromptOpened",
                "log.entryAdded",
            ],
        )
        self.window = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """Send one command and wait for its answer; what happens meanwhile is kept in `events`."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=PATIENCE / 1000))
            if said.get("id") == self._number:
                assert said["type"] == "success", said
                return said["result"]
            self.events.append(said)

    def open(self, address: str) -> None:
        """Open an address and wait until it is shown."""
        self.ask("browsingContext.navigate", context=self.window, url=address, wait="complete")

    def value(self, expression: str) -> Any:
        """What an expression gives in the page, as text."""
        answer = self.ask(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": self.window},
            awaitPromise=False,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])


@contextlib.contextmanager
def firefox() -> Iterator[Firefox]:
    """Debian's Firefox, for as long as the block lasts."""
    program = found("firefox-esr", "firefox")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        Path(profile, "user.js").write_text(_FIREFOX_QUIET)
        process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"HOME": profile},
        )
        try:
            with connect(_listening(process) + "/session", max_size=None, proxy=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.communicate(timeout=15)


def _listening(process: subprocess.Popen[str]) -> str:
    """Where Firefox listens, as it says itself."""
    assert process.stderr is not None
    for line in process.stderr:
        if " listening on ws:" in line:
            return line.split()[-1]
    raise AssertionError("Firefox did not start")


# It asks its makers for news and experiments; the port is no place for either.
_FIREFOX_QUIET = "".join(
    f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
    for name, value in {
        "app.normandy.enabled": False,
        "app.update.enabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "extensions.update.enabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "network.proxy.no_proxies_on": "localhost, 127.0.0.1",
        "services.settings.server": "data:,",
        "toolkit.telemetry.enabled": False,
    }.items()
)
