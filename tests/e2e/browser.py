"""A headless browser, by the DevTools protocol over a pipe: what it makes of a page, and what it complains
about. The page stays as it is: its own policy is in force while it is looked at."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_BROWSER = next((path for name in _NAMES if (path := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(_BROWSER is None, reason="no headless browser is installed")

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
# The protocol speaks on 3 and 4, whatever numbers the pipes have here.
_EXEC = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_MEASURE = """
(() => {
  const plotOf = (node) => node.closest('.plot').getBoundingClientRect();
  const measure = (node) => {
    const [own, plot] = [node.getBoundingClientRect(), plotOf(node)];
    return {...node.dataset, kind: node.classList[0], asked: node.classList.contains('asked'),
            circuit: node.closest('[data-circuit]')?.dataset.circuit,
            left: (own.left - plot.left) / plot.width,
            right: (own.right - plot.left) / plot.width, top: own.top, height: own.height,
            text: node.textContent, background: getComputedStyle(node).backgroundColor};
  };
  const kinds = '.block, .bar, .title, .mark, .now, .trouble';
  return {
    marks: [...document.querySelectorAll('.lanes :is(' + kinds + ')')].map(measure),
    rows: [...document.querySelectorAll('tbody tr')].length,
    names: [...document.querySelectorAll('[role=img]')].map((node) => node.getAttribute('aria-label')),
  };
})()
"""
# Each run of text that is seen, as the box that is left of it after all that cuts it off; then the pairs
# that cover each other. What is sticky lies over what is scrolled below it, and is left out.
_OVERLAPS = """
(() => {
  const cut = (box, by) => ({left: Math.max(box.left, by.left), top: Math.max(box.top, by.top),
                             right: Math.min(box.right, by.right), bottom: Math.min(box.bottom, by.bottom)});
  // What holds for all that is within a node, once for each: a page has ten thousand of them.
  const known = new Map([[null, {seen: true, sticky: 0, by: null}]]);
  const about = (node) => {
    if (!known.has(node)) {
      const outer = about(node.parentElement);
      const {visibility, fontSize, overflowX, overflowY, position} = getComputedStyle(node);
      const cuts = overflowX !== 'visible' || overflowY !== 'visible';
      const own = cuts && node.getBoundingClientRect();
      known.set(node, {
        seen: outer.seen && visibility !== 'hidden' && parseFloat(fontSize) !== 0,
        sticky: outer.sticky + (position === 'sticky'),
        by: cuts ? cut(own, outer.by || own) : outer.by,
      });
    }
    return known.get(node);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), boxes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || ['SCRIPT', 'STYLE'].includes(node.parentElement.tagName)) continue;
    if (!node.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const {seen, sticky, by} = about(node.parentElement);
    for (const rect of seen ? range.getClientRects() : []) {
      const box = cut(rect, by || rect);  // a plain object: the getters of a rectangle would not be copied
      if (box.right - box.left > 1 && box.bottom - box.top > 1)
        boxes.push({...box, text: node.data.trim().slice(0, 40), node, sticky});
    }
  }
  boxes.sort((a, b) => a.top - b.top);
  const found = [];
  for (let i = 0; i < boxes.length; i++)
    for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom - 1; j++) {
      const [a, b] = [boxes[i], boxes[j]], both = cut(a, b);
      if (a.node === b.node || a.sticky !== b.sticky) continue;
      const [width, height] = [both.right - both.left, both.bottom - both.top];
      // Boxes of lines are higher than their letters: a quarter of a line may be shared.
      const lines = Math.min(a.bottom - a.top, b.bottom - b.top);
      if (width > 1 && height > lines / 4) found.push(`${a.text} | ${b.text}`);
    }
  return {texts: boxes.length, overlaps: found};
})()
"""


class Browser:
    """Opens pages in a profile within `folder`. It runs as long as it is entered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._session = ""
        self._number = 0
        self._log: list[str] = []

    def __enter__(self) -> Self:
        assert _BROWSER is not None
        commands, ours = os.pipe()
        theirs, answers = os.pipe()
        profile = self.folder / "profile"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _EXEC, str(commands), str(answers), _BROWSER, *_FLAGS,
             f"--user-data-dir={profile}", "about:blank"],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"},
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._commands, self._answers = os.fdopen(ours, "wb"), os.fdopen(theirs, "rb")
        self._pending = b""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._commands.close()
        self._answers.close()
        self._process.wait(60)

    def open(self, page: Path, *, width: int = 1400, height: int = 1000, dark: bool = False, hash_: str = "",
             media: str = "screen") -> None:  # fmt: skip
        """Shows `page` in a window of that size."""
        self._log = []
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                   mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._call("Page.navigate", url="about:blank")
        self._wait_for("Page.loadEventFired")
        self._call("Page.navigate", url=page.absolute().as_uri() + hash_)
        self._wait_for("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """What an expression comes to on the page."""
        done = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """A key, down and up."""
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        """Pages that are opened meanwhile run none of theirs."""
        self._call("Emulation.setScriptExecutionDisabled", value=True)
        yield
        self._call("Emulation.setScriptExecutionDisabled", value=False)

    def settle(self) -> None:
        """Waits until what was begun has been drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def complaints(self) -> list[str]:
        """What the console says of the page that is open."""
        self.settle()
        return list(self._log)

    def measured(self) -> Any:
        """Where the parts of the picture lie."""
        return self.run(_MEASURE)

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window. Measuring every part for that would lay out
        all that is not in view, part by part."""
        root = "document.documentElement"
        return int(self.run(f"{root}.scrollWidth - {root}.clientWidth"))

    def overlaps(self) -> Any:
        """How many texts are seen, and which of them cover each other."""
        return self.run(_OVERLAPS)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Writes what is seen as a PNG; the `whole` page, or the window."""
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self) -> bytes:
        """The page as a PDF."""
        options = {"printBackground": False, "preferCSSPageSize": True}
        return base64.b64decode(self._call("Page.printToPDF", **options)["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        for answer in self._messages():
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the browser has closed the pipe")

    def _wait_for(self, event: str) -> None:
        assert any(message.get("method") == event for message in self._messages())

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._pending:
                text, _, self._pending = self._pending.partition(b"\0")
                message = json.loads(text)
                self._note(message)
                yield message
            more = os.read(self._answers.fileno(), 1 << 20)
            if not more:
                return
            self._pending += more

    def _note(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self._log.append(json.dumps(message["params"]))
