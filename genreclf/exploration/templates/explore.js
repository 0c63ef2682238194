"use strict";
(async () => {
  const one = (selector) => document.querySelector(selector);
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const percent = (share) => (100 * share).toFixed(share >= 0.1 || share === 0 ? 0 : 1) + " %";
  const plural = (number, noun) => number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s");
  const most = 300, space = "http://www.w3.org/2000/svg";
  const token = one('meta[name="token"]').content;
  let shown = [], current = null, only = "", state = null, timer = 0, asked = 0;

  const trouble = (text) => {
    const box = one(".trouble");
    box.textContent = text;
    box.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => { box.hidden = true; }, 8000);
  };
  const ask = async (url, options) => {
    let response, body;
    try {
      response = await fetch(url, options);
      body = await response.json();
    } catch {
      trouble("No answer: is genreclf explore still running?");
      return null;
    }
    if (response.ok) return body;
    trouble(body.error || "refused");
    return null;
  };

  const data = await ask("tracks");
  if (!data) return;
  const tracks = data.tracks;
  tracks.forEach((track, row) => {
    track.row = row;
    track.name = track.title ? [track.artist, track.title].filter(Boolean).join(" \u2013 ") : track.path || track.track_id;
    track.words = [track.name, track.artist, track.path, track.track_id].join(" ").toLowerCase();
  });
  const genreOf = (track) => state.genres[track.row] ?? track.genre;
  const artistOf = (track) => state.artists[track.artist] ?? track.artist ?? "";
  const left = (track) => state.left_out.includes(track.row);
  const edited = (track) => track.row in state.genres || left(track) || track.artist in state.artists;
  const places = new Map();
  const markOf = (genre) => {
    if (!places.has(genre)) places.set(genre, places.size % data.marks.length);
    return data.marks[places.get(genre)];
  };
  data.genres.forEach(markOf);
  const genres = () => [...new Set([...data.genres, ...Object.values(state.genres)])];

  const filters = {
    issues: (track) => track.score !== undefined && !edited(track),
    wrong: (track) => track.predicted && track.predicted !== genreOf(track),
    edited,
    all: () => true,
  };
  const doubt = (track) => {
    if (track.score !== undefined) return 2 + track.score;
    const own = (track.probabilities || []).find(([genre]) => genre === track.genre);
    const top = (track.probabilities || [])[0];
    return top ? top[1] - (own ? own[1] : 0) : track.predicted && track.predicted !== track.genre ? 0.5 : -1;
  };
  const line = (track) => {
    const genre = genreOf(track) || "no genre";
    const changed = track.row in state.genres ? track.genre + " \u2192 " + genre : genre;
    const guess = track.suggested && !(track.row in state.genres) ? track.suggested + " suggested" :
      track.predicted ? (track.predicted === genre ? "prediction agrees" : "predicted as " + track.predicted) : "";
    return [left(track) ? "left out" : "", changed, guess].filter(Boolean).join(" \u00b7 ");
  };
  const entry = (track, note) => {
    const item = make("li"), button = make("button");
    button.type = "button";
    button.append(make("b", track.name), make("small", note));
    button.dataset.row = track.row;
    if (left(track)) item.className = "gone";
    button.addEventListener("click", () => choose(track, true));
    item.append(button);
    return item;
  };
  const list = () => {
    const words = one("#search").value.trim().toLowerCase(), which = one("#which").value;
    shown = tracks.filter((track) => filters[which](track) && (!only || genreOf(track) === only) &&
      (!words || track.words.includes(words)));
    shown.sort((a, b) => doubt(b) - doubt(a) || a.row - b.row);
    one(".tracks").replaceChildren(...shown.slice(0, most).map((track) => entry(track, line(track))));
    const cut = shown.length > most ? "; the first " + most + " are listed" : "";
    one(".count").textContent = plural(shown.length, "track") + (shown.length > 1 ? ", the most doubtful first" + cut : "");
    current && mark();
  };
  const mark = () => {
    for (const button of document.querySelectorAll(".tracks button")) {
      button.setAttribute("aria-current", String(Number(button.dataset.row) === current.row));
    }
    const ring = one(".ring");
    ring.setAttribute("visibility", current.x === undefined ? "hidden" : "visible");
    if (current.x !== undefined) {
      ring.setAttribute("cx", 10 + 700 * current.x);
      ring.setAttribute("cy", 430 - 420 * current.y);
    }
  };

  const player = one("audio");
  const choose = async (track, focus) => {
    current = track;
    player.pause();
    player.hidden = !track.playable;
    one(".silent").hidden = track.playable;
    if (track.playable) player.src = "audio/" + track.row; else player.removeAttribute("src");
    one("#new-label").value = one("#new-artist").value = "";
    one(".track").hidden = false;
    one(".none").hidden = true;
    show();
    mark();
    if (focus && matchMedia("(max-width: 60rem)").matches) {
      one(".listen").scrollIntoView({ block: "start" });
      one("#listen").focus({ preventScroll: true });
    }
    const number = ++asked;
    one(".near").replaceChildren();
    const near = await ask("neighbours/" + track.row);
    if (near && number === asked) {
      one(".near").replaceChildren(...near.map((found) =>
        entry(tracks[found.row], line(tracks[found.row]) + " \u00b7 distance " + found.distance.toFixed(1))));
    }
  };
  player.addEventListener("error", () => {
    if (player.hasAttribute("src")) { player.hidden = true; one(".silent").hidden = false; }
  });
  const show = () => {
    const track = current;
    one("#listen").textContent = track.name;
    one(".path").textContent = track.path && track.path !== track.name ? track.path : "";
    const label = genreOf(track) || "none";
    one(".label").textContent = track.row in state.genres ? label + ", before " + (track.genre || "none") : label;
    const artist = artistOf(track);
    one(".artist").textContent = artist === (track.artist || "") ? artist || "not known" : artist + ", before " + track.artist;
    one(".merge").hidden = !artist;
    one(".prediction").hidden = !track.predicted;
    one(".prediction dt").textContent = "Predicted by " + data.model;
    const bars = track.probabilities || (track.predicted ? [[track.predicted, null]] : []);
    one(".bars").replaceChildren(...bars.map(([genre, share]) => {
      const item = make("li"), meter = make("meter");
      item.append(make("span", genre));
      if (share !== null) {
        meter.value = share;
        item.append(meter, make("span", percent(share)));
      }
      return item;
    }));
    const suggested = track.suggested ?? (track.predicted !== genreOf(track) ? track.predicted : undefined);
    one(".suggest").hidden = !suggested || suggested === genreOf(track) || left(track);
    one(".suggest").dataset.genre = suggested || "";
    one(".suggest").textContent = "Label as " + suggested;
    one(".leave").hidden = left(track);
  };

  const texts = {
    label: (edit) => name(edit) + " is labelled " + edit.value,
    "leave-out": (edit) => name(edit) + " is left out",
    artist: (edit) => edit.name + " is the same artist as " + edit.value,
  };
  const byId = new Map(tracks.map((track) => [track.track_id, track]));
  const name = (edit) => (byId.get(edit.name) || { name: edit.name }).name;
  const render = () => {
    const standing = [...state.standing].reverse();
    one(".log").replaceChildren(...standing.map((edit) => {
      const item = make("li"), button = make("button", "Undo", "undo");
      button.type = "button";
      button.setAttribute("aria-label", "Undo: " + texts[edit.kind](edit));
      button.addEventListener("click", () => change({ edit: "undo", name: edit.name }));
      // An undo takes back the last edit of a name.
      button.hidden = standing.find((other) => other.name === edit.name) !== edit;
      item.append(make("span", texts[edit.kind](edit)), button);
      return item;
    }));
    one(".file").textContent = standing.length ? plural(standing.length, "edit") + " in " + state.file :
      "No edits yet; they go to " + state.file;
    one(".remarks").replaceChildren(...state.notes.slice(1).map((note) => make("li", note)));
    one(".export").hidden = !standing.length;
    const options = genres().sort();
    one("#genres").replaceChildren(...options.map((genre) => new Option(genre, genre)));
    const artists = [...new Set(tracks.map(artistOf))].filter(Boolean).sort();
    one("#artists").replaceChildren(...artists.map((artist) => new Option(artist, artist)));
    one("#genre").replaceChildren(new Option("any", ""), ...options.map((genre) => new Option(genre, genre)));
    one("#genre").value = only;
    const issues = tracks.filter(filters.issues).length;
    one(".facts").replaceChildren(...[plural(tracks.length, "track"), plural(options.length, "genre"),
      plural(issues, "label") + " to check", plural(standing.length, "edit")].map((fact) => make("li", fact)));
    legend();
    points();
    list();
    current && show();
  };
  const change = async (edit) => {
    const answer = await ask("edits", { method: "POST", headers: { "Content-Type": "application/json", "X-Genreclf-Token": token },
      body: JSON.stringify(edit) });
    if (answer) { state = answer; render(); }
    return answer;
  };
  const mend = async (edit, value) => {
    const at = shown.indexOf(current), follows = shown[at + 1] || shown[at - 1];
    if (await change({ edit, row: current.row, value }) && at >= 0 && !shown.includes(current) && follows) choose(follows);
  };

  const legend = () => {
    one(".legend").replaceChildren(...genres().map((genre) => {
      const button = make("button"), svg = document.createElementNS(space, "svg"), found = markOf(genre);
      const path = document.createElementNS(space, "path");
      svg.setAttribute("class", "chart swatch");
      svg.setAttribute("viewBox", "-8 -8 16 16");
      svg.setAttribute("width", "16");
      svg.setAttribute("height", "16");
      path.setAttribute("d", found.d);
      path.setAttribute("class", "points " + found.colour);
      svg.append(path);
      button.type = "button";
      button.append(svg, genre);
      button.setAttribute("aria-pressed", String(genre === only));
      button.addEventListener("click", () => filter(genre === only ? "" : genre));
      return button;
    }));
  };
  const filter = (genre) => {
    only = genre;
    render();
  };
  const marks = new Map();
  for (const track of tracks) {
    if (track.x === undefined) continue;
    const path = document.createElementNS(space, "path");
    path.setAttribute("transform", `translate(${10 + 700 * track.x} ${430 - 420 * track.y})`);
    marks.set(track, path);
  }
  one(".marks").append(...marks.values());
  const points = () => marks.forEach((path, track) => {
    const genre = genreOf(track), found = genre ? markOf(genre) : { d: data.marks[0].d, colour: "" };
    path.setAttribute("d", found.d);
    path.setAttribute("class", "points " + found.colour + (left(track) ? " gone" : "") + (only && genre !== only ? " faint" : ""));
  });

  const svg = one("section.map > svg");
  const visible = () => [...marks.keys()].filter((track) => !only || genreOf(track) === only);
  const tip = make("div", "", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  const nearest = (event) => {
    const box = svg.getBoundingClientRect(), scale = 720 / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    return visible().reduce((best, track) => {
      const far = Math.hypot(10 + 700 * track.x - x, 430 - 420 * track.y - y);
      return far < best.far ? { far, track } : best;
    }, { far: 16, track: null }).track;
  };
  svg.addEventListener("pointermove", (event) => {
    const track = nearest(event);
    tip.hidden = !track;
    if (!track) return;
    tip.textContent = track.name + " \u00b7 " + line(track);
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 6)) + "px";
    tip.style.top = (event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 16) + "px";
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  svg.addEventListener("click", (event) => { const track = nearest(event); if (track) choose(track, true); });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  svg.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const from = current && current.x !== undefined ? current : { x: 0.5, y: 0.5 };
    const cost = (track) => {
      const dx = track.x - from.x, dy = track.y - from.y, along = dx * step[0] + dy * step[1];
      return along > 0.001 ? along + 2 * Math.abs(dx * step[1] + dy * step[0]) : Infinity;
    };
    const best = visible().reduce((found, track) => (cost(track) < cost(found) ? track : found), from);
    if (best !== from) { choose(best); one(".spoken").textContent = best.name + " \u00b7 " + line(best); }
  });

  one("#which").addEventListener("change", list);
  one("#search").addEventListener("input", list);
  one("#genre").addEventListener("change", (event) => filter(event.target.value));
  one(".suggest").addEventListener("click", () => mend("label", one(".suggest").dataset.genre));
  one(".leave").addEventListener("click", () => mend("leave-out", ""));
  one(".mend").addEventListener("submit", (event) => {
    event.preventDefault();
    const value = one("#new-label").value.trim();
    if (value) mend("label", value); else trouble("Give the new label.");
  });
  one(".unite").addEventListener("click", () => {
    const value = one("#new-artist").value.trim();
    if (value) change({ edit: "artist", name: artistOf(current), value }); else trouble("Give the name of the other artist.");
  });
  const go = (by) => {
    if (!shown.length) return;
    const at = shown.indexOf(current), track = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))];
    choose(track);
    one(`.tracks button[data-row="${track.row}"]`)?.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    j: () => go(1),
    k: () => go(-1),
    p: () => { if (current && current.playable) player.paused ? player.play() : player.pause(); },
    s: () => { if (!one(".track").hidden && !one(".suggest").hidden) one(".suggest").click(); },
    x: () => { if (!one(".track").hidden && !one(".leave").hidden) one(".leave").click(); },
    u: () => { const last = state.standing.at(-1); if (last) change({ edit: "undo", name: last.name }); },
    "/": () => one("#search").focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select") || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  state = await ask("edits");
  if (!state) return;
  if (!tracks.some((track) => track.score !== undefined)) one("#which").value = "all";
  render();
  if (shown.length) choose(shown[0]);
})();
