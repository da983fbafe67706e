"""Headless Chromium, spoken to over its DevTools protocol: opens pages, asks them, presses keys, takes pictures."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run --mute-audio"
_QUIET = " --disable-background-networking --disable-component-update --disable-sync --remote-debugging-port=0"


class Browser:
    """One page of a browser that runs until the block ends.

    Attributes:
        said: what the page wrote to its console or threw, and what its security policy stopped.
        requests: the addresses that it asked for, but for its own file's.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.requests: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._number = 0

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[Browser]:
        assert CHROMIUM
        self = cls()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            command = [CHROMIUM, *(_FLAGS + _QUIET).split(), f"--user-data-dir={home}", "about:blank"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            assert process.stderr
            try:
                line = next(line for line in process.stderr if "DevTools listening" in line)
                port = re.search(r":(\d+)/", line)
                assert port
                self._do(self._connect(int(port[1])))
                yield self
                self._do(self._close())
            finally:
                process.kill()
                process.wait()
                process.stderr.close()
                self._loop.close()

    def open(self, page: Path | str, width: int = 1440, height: int = 900, dark: bool = False, at: str = "") -> None:
        """Open a file or an address, at a part of it such as "#runs", and wait until it is loaded."""
        # The page before this one may still ask its server.
        self.call("Page.navigate", url="about:blank")
        self.said.clear()
        self.requests.clear()
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call(
            "Emulation.setEmulatedMedia", features=[scheme, {"name": "prefers-reduced-motion", "value": "reduce"}]
        )
        self.call("Page.navigate", url=(page.as_uri() if isinstance(page, Path) else page) + at)
        self.wait("document.readyState === 'complete'")

    def ask(self, script: str) -> Any:
        """The value of an expression; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 10) -> None:
        """Until an expression is true."""
        for _ in range(int(seconds * 20)):
            if self.ask(script):
                return
            self._do(asyncio.sleep(0.05))
        raise AssertionError(f"never true: {script}")

    def press(self, key: str, code: int = 0) -> None:
        """Press and release a key, such as "Tab" (9), "Enter" (13) or "Escape" (27)."""
        more = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)

    def picture(self, path: Path, whole: bool = True) -> None:
        """The page, or what is in view of it, as a PNG file."""
        clip: dict[str, Any] = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {**size, "height": min(size["height"], 16000), "scale": 1}, "captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **clip)["data"]))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One call of the protocol."""
        return self._do(asyncio.wait_for(self._call(method, params), 60))

    def _do(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)

    async def _connect(self, port: int) -> None:
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as reply:
            pages = json.loads(await reply.text())
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        self._socket = await self._session.ws_connect(address, max_msg_size=0)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self._call(f"{domain}.enable", {})

    async def _close(self) -> None:
        await self._socket.close()
        await self._session.close()

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            data = json.loads((await self._socket.receive()).data)
            if data.get("id") == number:
                assert "error" not in data, data["error"]
                return data.get("result", {})
            self._note(data)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.said.append(json.dumps(params)[:2000])
        elif method == "Network.requestWillBeSent" and params["documentURL"] != params["request"]["url"]:
            self.requests.append(params["request"]["url"])
