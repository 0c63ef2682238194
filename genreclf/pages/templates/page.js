"use strict";
(() => {
  const startMap = (map) => {
    const hover = JSON.parse(map.querySelector("script.hover").textContent);
    const sheet = map.querySelector(".sheet"), spoken = map.querySelector(".spoken");
    const views = [...sheet.querySelectorAll("svg")].map((svg) => {
      const points = [];
      for (const path of svg.querySelectorAll("path[data-genre]")) {
        const genre = Number(path.dataset.genre);
        let index = 0;
        for (const [, x, y] of path.getAttribute("d").matchAll(/M([\d.]+) ([\d.]+)/g)) {
          points.push({ x: Number(x), y: Number(y), genre, index: index++ });
        }
      }
      const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      ring.setAttribute("class", "ring");
      ring.setAttribute("r", "8");
      ring.setAttribute("visibility", "hidden");
      svg.append(ring);
      return { svg, points, ring };
    });
    let only = null, current = null;
    const view = () => views.find((one) => one.svg.getClientRects().length) || views[0];
    const tell = (point) => {
      const predicted = hover.predictions[hover.predicted[point.genre][point.index]];
      return hover.titles[point.genre][point.index] + " \u00b7 " + hover.genres[point.genre] +
        (predicted ? ", predicted as " + predicted + " by " + hover.model : "");
    };
    const point = (one, found) => {
      current = found;
      one.ring.setAttribute("visibility", found ? "visible" : "hidden");
      if (!found) return hide();
      one.ring.setAttribute("cx", found.x);
      one.ring.setAttribute("cy", found.y);
      const box = one.svg.getBoundingClientRect(), scale = box.width / one.svg.viewBox.baseVal.width;
      show(tell(found), box.left + found.x * scale, box.top + found.y * scale);
    };
    const allowed = (one) => one.points.filter((p) => only === null || p.genre === only);
    const nearest = (points, x, y, most) => points.reduce((best, p) => {
      const far = (p.x - x) ** 2 + (p.y - y) ** 2;
      return far < best.far ? { far, p } : best;
    }, { far: most ** 2, p: null }).p;
    sheet.addEventListener("pointermove", (event) => {
      const one = view(), box = one.svg.getBoundingClientRect(), scale = one.svg.viewBox.baseVal.width / box.width;
      point(one, nearest(allowed(one), (event.clientX - box.left) * scale, (event.clientY - box.top) * scale, 14));
    });
    sheet.addEventListener("pointerleave", () => point(view(), null));
    sheet.addEventListener("blur", () => point(view(), null));
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    sheet.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const one = view(), from = current || { x: one.svg.viewBox.baseVal.width / 2, y: one.svg.viewBox.baseVal.height / 2 };
      let best = null, least = Infinity;
      for (const p of allowed(one)) {
        const dx = p.x - from.x, dy = p.y - from.y, along = dx * step[0] + dy * step[1];
        const across = Math.abs(dx * step[1] + dy * step[0]);
        const cost = along + 2 * across;
        if (along > 0.5 && cost < least) { least = cost; best = p; }
      }
      if (!best && !current) best = nearest(allowed(one), from.x, from.y, Infinity);
      if (best) { point(one, best); spoken.textContent = tell(best); }
    });
    for (const button of map.querySelectorAll(".legend button")) button.addEventListener("click", () => {
      const genre = Number(button.dataset.genre);
      only = only === genre ? null : genre;
      for (const other of map.querySelectorAll(".legend button")) {
        other.setAttribute("aria-pressed", String(Number(other.dataset.genre) === only));
      }
      for (const path of map.querySelectorAll("path[data-genre]")) {
        path.classList.toggle("faint", only !== null && Number(path.dataset.genre) !== only);
      }
    });
  };
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
  // A table that does not fit beside a figure goes below it; one that does not fit there shows each row as a block of
  // its own, so that nothing is cut.
  const fit = () => {
    const boxes = [...document.querySelectorAll(".scroll")].filter((box) => box.clientWidth);
    const cut = () => boxes.filter((box) => box.firstElementChild.offsetWidth > box.clientWidth + 1);
    for (const box of boxes) box.classList.remove("stacked", "below");
    for (const box of cut()) box.classList.add("below");
    for (const box of cut()) box.classList.add("stacked");
  };
  fit();
  addEventListener("resize", fit);
  addEventListener("toggle", fit, true);
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
  // A finger that taps does not move.
  for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, (event) => {
    const text = tips.get(event.target);
    if (text) show(text, event.clientX, event.clientY); else if (!event.target.closest(".map")) hide();
  });
  const startChart = (canvas) => {
    const marks = [...canvas.querySelectorAll("svg *")].filter((mark) => tips.has(mark));
    if (!marks.length) return;
    let at = -1;
    const leave = () => { if (at >= 0) marks[at].classList.remove("current"); };
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "group");
    canvas.setAttribute("aria-label", canvas.querySelector("svg > title").textContent + ": use the arrow keys to move from mark to mark");
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      leave();
      at = Math.max(0, Math.min(marks.length - 1, at + step));
      const mark = marks[at];
      mark.classList.add("current");
      mark.scrollIntoView({ block: "nearest", inline: "nearest" });
      // Scrolling hides the hint, at the latest just before this.
      requestAnimationFrame(() => {
        const box = mark.getBoundingClientRect();
        show(tips.get(mark), box.left + box.width / 2, box.top + box.height / 2);
      });
    });
    canvas.addEventListener("blur", () => { leave(); at = -1; hide(); });
  };
  for (const canvas of document.querySelectorAll("figure:not(.map) .canvas")) startChart(canvas);
  for (const map of document.querySelectorAll("figure.map")) startMap(map);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", hide, { passive: true });
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
    for (const box of document.querySelectorAll(".stacked")) box.classList.remove("stacked");
  });
  addEventListener("afterprint", fit);
})();
