"use strict";
(() => {
  const number = (text) => (text !== "" && text !== "nan" && !isNaN(text) ? Number(text) : null);
  const compare = (a, b) => {
    const x = number(a), y = number(b);
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x === null ? 1 : -1;
    return a.localeCompare(b);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
      const start = head.classList.contains("number") ? "descending" : "ascending";
      const turned = { ascending: "descending", descending: "ascending" }[head.getAttribute("aria-sort")];
      const order = turned || start, sign = order === "ascending" ? 1 : -1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const body = table.tBodies[0], key = (row) => row.cells[column].dataset.key;
      const missing = (row) => key(row) === "" || key(row) === "nan";
      body.append(...[...body.rows].sort((a, b) =>
        missing(a) - missing(b) || sign * compare(key(a), key(b))));
    }));
  }
  const tip = document.createElement("div");
  tip.className = "tooltip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 6)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 16) + "px";
  };
  const hide = () => { tip.hidden = true; };
  const tips = new WeakMap();
  for (const title of document.querySelectorAll("svg.chart :not(svg) > title")) {
    tips.set(title.parentNode, title.textContent);
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const text = tips.get(event.target);
    if (text) show(text, event.clientX, event.clientY); else if (!event.target.closest(".map")) hide();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", hide, { passive: true });
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
