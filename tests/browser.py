"""Headless Chromium for tests: opens a page, listens to its console and its requests, and looks at it."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import pytest

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip

# Every visible line of text as a polygon on the screen; pairs that intersect are reported. Text that a scrolling
# box hides is not visible. Boxes are shrunk a little, as glyphs do not fill the height of their line.
OVERLAPS = """
const clipped = (box, node) => {
  for (let e = node; e && e !== document.body; e = e.parentElement) {
    if (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX)) {
      const c = e.getBoundingClientRect();
      if (box.left + 2 < c.left || box.right - 2 > c.right) return true;
    }
  }
  return false;
};
const texts = [];
const add = (corners, text, node) => {
  const xs = corners.map((p) => p.x), ys = corners.map((p) => p.y);
  const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  if (box.right - box.left > 1 && !clipped(box, node)) texts.push({ ...box, corners, text });
};
const rectangle = (r, dx, dy) => [
  { x: r.left + dx, y: r.top + dy }, { x: r.right - dx, y: r.top + dy },
  { x: r.right - dx, y: r.bottom - dy }, { x: r.left + dx, y: r.bottom - dy }];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, parent = node.parentElement;
  if (!node.data.trim() || !parent.checkVisibility({ visibilityProperty: true })) continue;
  if (parent.closest("script, style, title, desc, .spoken, .tooltip, nav")) continue;
  if (parent.namespaceURI.endsWith("svg")) {
    const b = parent.getBBox(), m = parent.getScreenCTM();
    const box = { left: b.x, right: b.x + b.width, top: b.y, bottom: b.y + b.height };
    add(rectangle(box, 0.5, b.height * 0.18).map((p) => new DOMPoint(p.x, p.y).matrixTransform(m)), node.data, parent);
  } else {
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) add(rectangle(r, 0.5, r.height * 0.2), node.data.trim(), parent);
  }
}
const apart = (a, b) => [a, b].some((one) => one.corners.some((p, i) => {
  const q = one.corners[(i + 1) % 4], nx = q.y - p.y, ny = p.x - q.x;
  const on = (s) => s.corners.map((c) => c.x * nx + c.y * ny);
  const u = on(a), v = on(b);
  return Math.max(...u) <= Math.min(...v) || Math.max(...v) <= Math.min(...u);
}));
texts.sort((a, b) => a.top - b.top);
const found = [];
texts.forEach((a, i) => {
  for (let j = i + 1; j < texts.length && texts[j].top < a.bottom; j++) {
    const b = texts[j];
    if (a.left < b.right && b.left < a.right && !apart(a, b)) found.push(a.text + " | " + b.text);
  }
});
return [texts.length, found];
"""

# What holds text and is cut: a box whose content is wider than it and that hides the rest, or text beyond its drawing.
CUT = """
const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.clientWidth > 1;
const boxes = [...document.querySelectorAll("body *")].filter((e) => !e.closest("svg, script, .spoken, .tooltip"))
  .filter((e) => shown(e) && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible")
  .map((e) => `${e.tagName}.${e.className}: ${e.innerText.slice(0, 60)}`);
const texts = [...document.querySelectorAll("svg.chart text")].filter((t) => t.getClientRects().length).filter((t) => {
  const inner = t.getBoundingClientRect(), outer = t.ownerSVGElement.getBoundingClientRect();
  return inner.left < outer.left - 2 || inner.right > outer.right + 2 || inner.bottom > outer.bottom + 3;
}).map((t) => t.textContent);
return [...boxes, ...texts];
"""


def _driver():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("no Chromium with chromedriver on this machine")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is in the extra 'dev'")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=chromedriver)
    return webdriver.Chrome(options=options, service=service)


class Browser:
    """One window of Chromium."""

    def __init__(self) -> None:
        self.driver = _driver()

    def close(self) -> None:
        self.driver.quit()

    def open(self, page: Path, *, width: int = 1400, dark: bool = False) -> None:
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(page.as_uri())

    def run(self, script: str, *arguments: object):
        return self.driver.execute_script(script, *arguments)

    def console(self) -> list[str]:
        """What the page said on the console since it was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that the page asked for since it was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def open_everything(self) -> None:
        self.run("document.querySelectorAll('details').forEach((part) => { part.open = true; });")

    def overlaps(self) -> tuple[int, list[str]]:
        """How many lines of text there are, and the pairs of them that lie on each other."""
        number, found = self.run(OVERLAPS)
        return number, found

    def cut(self) -> list[str]:
        """What holds text and is cut."""
        return self.run(CUT)

    def move_to(self, selector: str, *, index: int = 0) -> None:
        """Bring an element into view and put the pointer on its middle."""
        x, y = self.run(
            "const e = document.querySelectorAll(arguments[0])[arguments[1]];"
            "e.scrollIntoView({ block: 'center' });"
            "const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2];",
            selector,
            index,
        )
        # Scrolling takes the hint away once its event has come.
        self.driver.execute_async_script("const done = arguments[0]; setTimeout(done, 120);")
        event = {"type": "mouseMoved", "x": x, "y": y, "buttons": 0}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def press(self, key: str) -> None:
        self.driver.switch_to.active_element.send_keys(key)

    def axe(self) -> list[str]:
        """What axe-core finds serious or critical; skips where axe-core is not at hand."""
        script = os.environ.get("GENRECLF_AXE", "")
        if not Path(script).is_file():
            pytest.skip("set GENRECLF_AXE to axe-core's axe.min.js (npm install axe-core) to check accessibility")
        self.run(Path(script).read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run(document).then((r) => done(r.violations));"
        )
        return [
            f"{v['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for v in found
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"][:5]
        ]

    def screenshot(self, path: Path) -> None:
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        path.write_bytes(base64.b64decode(shot["data"]))
