"""A headless browser: what it makes of a page, and what it complains about."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_BROWSER = next((path for name in _NAMES if (path := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(_BROWSER is None, reason="no headless browser is installed")

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_RESULT = re.compile(r'<script type="application/json" id="measured">(.*?)</script>', re.DOTALL)
_MEASURE = """
<script>
const plotOf = (node) => node.closest('.plot').getBoundingClientRect();
const measure = (node) => {
  const [own, plot] = [node.getBoundingClientRect(), plotOf(node)];
  return {...node.dataset, kind: node.classList[0], asked: node.classList.contains('asked'),
          circuit: node.closest('[data-circuit]')?.dataset.circuit, left: (own.left - plot.left) / plot.width,
          right: (own.right - plot.left) / plot.width, top: own.top, height: own.height,
          text: node.textContent, background: getComputedStyle(node).backgroundColor};
};
const out = document.createElement('script');
out.type = 'application/json';
out.id = 'measured';
out.textContent = JSON.stringify({
  marks: [...document.querySelectorAll('.block, .bar, .mark, .now, .trouble')].map(measure),
  rows: [...document.querySelectorAll('tbody tr')].length,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  names: [...document.querySelectorAll('[role=img]')].map((node) => node.getAttribute('aria-label')),
}).replaceAll('<', '\\\\u003c');
document.body.append(out);
</script>
"""


class Browser:
    """Opens pages from `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def complaints(self, page: Path) -> list[str]:
        """What the console of `page` says, just as it is."""
        _, log = self._open(page)
        return [line for line in log.splitlines() if "CONSOLE" in line]

    def measured(self, page: Path) -> Any:
        """Where the parts of `page` lie; a script goes in for that, the policy that forbids it out."""
        text = _POLICY.sub("", page.read_text(encoding="utf-8")).replace("</body>", f"{_MEASURE}</body>")
        copy = self.folder / "measured.html"
        copy.write_text(text, encoding="utf-8")
        document, _ = self._open(copy)
        found = _RESULT.search(document)
        assert found is not None
        return json.loads(found[1])

    def _open(self, page: Path) -> tuple[str, str]:
        assert _BROWSER is not None
        profile = self.folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        profile.mkdir()
        done = subprocess.run(
            [
                _BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--enable-logging=stderr", "--window-size=1400,1000",
                f"--user-data-dir={profile}", "--dump-dom", page.absolute().as_uri(),
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"},
            capture_output=True,
            check=True,
            timeout=120,
        )  # fmt: skip
        return done.stdout.decode(), done.stderr.decode(errors="replace")
