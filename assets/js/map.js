/* The map: every page of the story in the columns of its number and the rows of its branch
   (seedstory_core/story/layout.py), as a tree that one can see, hear and walk by keys. */

const SVG = "http://www.w3.org/2000/svg";
const LONG_PRESS = 450;

function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export class StoryMap {
  /* `thumb` is the side of a thumbnail; `fits` makes the whole map fit into its place. */
  constructor(root, story, { thumb, fits, go }) {
    Object.assign(this, { root, story, thumb, fits, go });
    this.step = { x: thumb + 22, y: thumb + 14 };
    this.folded = new Set();
    this.nodes = new Map();
    this.at = "";
    this.focused = "";
    this.sights = {};
    this.found = null;
    this.observer = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        const image = isIntersecting && target.querySelector("image[data-href]");
        if (!image) continue;
        image.setAttribute("href", image.dataset.href);
        image.removeAttribute("data-href");
        this.observer.unobserve(target);
      }
    }, { root, rootMargin: "120px" });
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("focusin", (event) => this.focusIn(event));
    this.listenToPeeks();
  }

  /* Panels that are not below a folded one. */
  get visible() {
    const { places } = this.story;
    const hidden = new Set();
    const shown = [];
    for (const place of places.values()) {
      if (hidden.has(place.parent) || this.folded.has(place.parent)) hidden.add(place.id);
      else shown.push(place);
    }
    return shown;
  }

  /* Draws everything anew. */
  draw(at, live = null) {
    this.at = at;
    const shown = this.visible;
    const rows = [...new Set(shown.map((place) => place.row))].sort((one, other) => one - other);
    this.rank = new Map(rows.map((row, index) => [row, index]));
    const x = (place) => 6 + place.column * this.step.x;
    const y = (place) => 6 + this.rank.get(place.row) * this.step.y;
    const columns = 1 + Math.max(-1, ...shown.map((place) => place.column));
    const width = 12 + columns * this.step.x + (live === null ? 0 : this.step.x);
    const height = 12 + Math.max(1, rows.length) * this.step.y - 14;
    const scale = this.fits ? this.scale(width, height) : 1;
    const svg = draw("svg", {
      viewBox: `0 0 ${width} ${height}`,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      role: "presentation",
    });
    const lines = draw("g", { class: "map-lines" });
    const path = new Set(this.story.path(at));
    this.nodes = new Map();
    const nodes = shown.map((place) => this.node(place, x(place), y(place), path));
    for (const place of shown) {
      const parent = this.story.places.get(place.parent);
      if (!parent) continue;
      lines.append(this.line(x(parent), y(parent), x(place), y(place), path.has(place.id)));
    }
    svg.append(lines, ...nodes);
    const parent = live === null ? null : this.story.places.get(live);
    if (live !== null && (parent || live === "")) svg.append(this.ghost(parent, x, y));
    this.root.classList.toggle("map-tiny", scale < 0.45);
    this.root.style.setProperty("--map-scale", String(scale));
    this.root.replaceChildren(svg);
    this.showFound();
    this.reach();
  }

  scale(width, height) {
    const room = { x: this.root.clientWidth - 8, y: this.root.clientHeight - 8 };
    if (room.x <= 0 || room.y <= 0) return 1;
    return Math.max(0.16, Math.min(1, room.x / width, room.y / height));
  }

  line(x1, y1, x2, y2, isOnPath) {
    const half = this.thumb / 2;
    const from = { x: x1 + this.thumb, y: y1 + half };
    const to = { x: x2, y: y2 + half };
    const bend = from.x + 11;
    const d = from.y === to.y
      ? `M${from.x} ${from.y}H${to.x}`
      : `M${from.x} ${from.y}H${bend - 6}Q${bend} ${from.y} ${bend} ${from.y + 6}V${to.y - 6}` +
        `Q${bend} ${to.y} ${bend + 6} ${to.y}H${to.x}`;
    return draw("path", { d, class: isOnPath ? "line line-path" : "line" });
  }

  node(place, x, y, path) {
    const page = this.story.pages.get(place.id);
    const siblings = this.story.siblings(place.id);
    const isHere = place.id === this.at;
    const isFolded = this.folded.has(place.id);
    const number = place.column + 1;
    const says = [`Page ${number}: ${page.words}`];
    if (page.name) says.unshift(page.name);
    if (siblings.length > 1) says.push(`way ${siblings.indexOf(place.id) + 1} of ${siblings.length}`);
    if (page.yours) says.push("yours");
    if (page.end) says.push("the end");
    if (page.star) says.push("starred");
    if (page.pinned) says.push("kept in mind");
    if (this.sights[place.id]) says.push(SIGHTS[this.sights[place.id]]);
    const node = draw("g", {
      role: "treeitem",
      class: "node" + (isHere ? " node-here" : "") + (path.has(place.id) ? " node-path" : ""),
      transform: `translate(${x} ${y})`,
      tabindex: place.id === (this.focused || this.at) ? "0" : "-1",
      "aria-label": says.join(", "),
      "aria-level": String(number),
      "aria-posinset": String(siblings.indexOf(place.id) + 1),
      "aria-setsize": String(siblings.length),
      "aria-selected": String(isHere),
      ...(place.children.length ? { "aria-expanded": String(!isFolded) } : {}),
      "data-panel": place.id,
    });
    const size = this.thumb;
    if (siblings.length > 1) {
      node.append(draw("rect", { class: "halo", x: -4, y: -4, width: size + 8, height: size + 8, rx: 13 }));
    }
    node.append(draw("rect", { class: "node-back", width: size, height: size, rx: 10 }));
    if (page.thumb) {
      node.append(draw("image", {
        "data-href": page.thumb,
        x: 2, y: 2, width: size - 4, height: size - 4,
        preserveAspectRatio: "xMidYMid slice",
      }));
    }
    node.append(draw("rect", { class: "node-edge", width: size, height: size, rx: 10 }));
    const badge = (kind, left, top, text) => node.append(
      draw("g", { class: `badge badge-${kind}`, transform: `translate(${left} ${top})` },
        draw("circle", { r: 8 }), draw("text", { y: 4 }, text)));
    if (page.end) badge("end", size, size, "✓");
    if (page.star) badge("star", size, 0, "★");
    if (isFolded) badge("fold", size + 6, size / 2, "+");
    if (this.sights[place.id]) {
      const sight = page.pinned ? "pinned" : this.sights[place.id];
      node.append(draw("circle", { class: `sight sight-${sight}`, cx: 2, cy: size - 2, r: 6 }));
    }
    if (page.name && this.fits) {
      node.append(draw("text", { class: "node-name", x: size / 2, y: size + 11 }, page.name));
    }
    this.nodes.set(place.id, node);
    this.observer.observe(node);
    return node;
  }

  /* The place of the page that is being made. */
  ghost(parent, x, y) {
    const row = parent && parent.children.length ? Math.max(...this.rank.values()) : null;
    const left = parent ? x(parent) + this.step.x : 6;
    const top = parent && row === null ? y(parent) : parent ? y(parent) + this.step.y / 2 : 6;
    return draw("g", { class: "node-ghost", transform: `translate(${left} ${top})`, "aria-hidden": "true" },
      draw("rect", { class: "node-edge", width: this.thumb, height: this.thumb, rx: 10 }));
  }

  /* Scrolls the page that one is at into the middle of the map, and nothing else. */
  reach() {
    const node = this.nodes.get(this.at);
    const svg = this.root.firstElementChild;
    if (!node || !svg) return;
    const box = node.getBoundingClientRect();
    const room = this.root.getBoundingClientRect();
    this.root.scrollLeft += box.left + box.width / 2 - room.left - room.width / 2;
    this.root.scrollTop += box.top + box.height / 2 - room.top - room.height / 2;
  }

  search(words) {
    const asked = words.trim().toLowerCase();
    this.found = asked
      ? new Set([...this.story.places.keys()].filter((id) => {
          const page = this.story.pages.get(id);
          return `${page.name} ${this.story.text(id)}`.toLowerCase().includes(asked);
        }))
      : null;
    this.showFound();
    return this.found;
  }

  showFound() {
    this.root.classList.toggle("map-searched", this.found !== null);
    for (const [id, node] of this.nodes) node.classList.toggle("node-found", Boolean(this.found?.has(id)));
  }

  panelOf(event) {
    return event.target.closest?.("[data-panel]")?.dataset.panel;
  }

  click(event) {
    const panel = this.panelOf(event);
    if (panel === undefined) return;
    event.stopPropagation();
    this.focused = panel;
    this.go(panel);
  }

  focusIn(event) {
    const panel = this.panelOf(event);
    if (panel === undefined) return;
    this.focused = panel;
    for (const [id, node] of this.nodes) node.setAttribute("tabindex", id === panel ? "0" : "-1");
  }

  /* The nearest page in the row above or below. */
  neighbour(id, step) {
    const place = this.story.places.get(id);
    const rank = this.rank.get(place.row) + step;
    const row = this.visible.filter((one) => this.rank.get(one.row) === rank);
    const distance = (one) => Math.abs(one.column - place.column);
    return row.sort((one, other) => distance(one) - distance(other))[0]?.id;
  }

  key(event) {
    const panel = this.panelOf(event);
    if (panel === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const ids = this.visible.map((place) => place.id);
    const fold = (yes) => {
      if (!this.story.children(panel).length) return panel;
      if (yes) this.folded.add(panel);
      else this.folded.delete(panel);
      this.draw(this.at);
      return panel;
    };
    const goes = {
      ArrowRight: () => (this.folded.has(panel) ? fold(false) : this.story.children(panel)[0]),
      ArrowLeft: () => this.story.before(panel),
      ArrowUp: () => this.neighbour(panel, -1),
      ArrowDown: () => this.neighbour(panel, 1),
      Home: () => ids[0],
      End: () => ids.at(-1),
      "-": () => fold(true),
      "+": () => fold(false),
      Enter: () => this.go(panel),
      " ": () => this.go(panel),
    }[event.key];
    if (!goes) return;
    event.preventDefault();
    event.stopPropagation();
    const next = goes();
    const node = next && this.nodes.get(next);
    if (node) {
      node.focus();
      node.scrollIntoView({ block: "nearest", inline: "nearest" });
      this.peek(next, node);
    }
  }

  /* Under the pointer, a finger that stays or the keyboard, a page shows its picture and words. */
  listenToPeeks() {
    let timer = 0;
    const hide = () => {
      clearTimeout(timer);
      const peek = document.getElementById("peek");
      if (peek) peek.hidden = true;
    };
    this.root.addEventListener("pointerover", (event) => {
      const panel = this.panelOf(event);
      if (panel !== undefined && event.pointerType === "mouse") this.peek(panel, this.nodes.get(panel));
    });
    this.root.addEventListener("pointerdown", (event) => {
      const panel = this.panelOf(event);
      if (panel === undefined || event.pointerType === "mouse") return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.peek(panel, this.nodes.get(panel));
        this.root.addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
      }, LONG_PRESS);
    });
    for (const sign of ["pointerup", "pointercancel"]) {
      this.root.addEventListener(sign, () => clearTimeout(timer));
    }
    this.root.addEventListener("pointerleave", hide);
    this.root.addEventListener("focusout", hide);
    this.root.addEventListener("scroll", hide);
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  }

  peek(panel, node) {
    const peek = document.getElementById("peek");
    const page = this.story.pages.get(panel);
    if (!peek || !page || !node) return;
    const words = document.createElement("p");
    words.dir = "auto";
    words.textContent = this.story.text(panel) || page.words;
    const place = document.createElement("small");
    place.textContent = `Page ${this.story.places.get(panel).column + 1}${page.yours ? " · yours" : ""}${page.name ? " · " + page.name : ""}`;
    const image = document.createElement("img");
    image.src = page.thumb;
    image.alt = "";
    peek.replaceChildren(...(page.thumb ? [image] : []), place, words);
    /* An open dialog lies above everything that is not in it. */
    (this.root.closest("dialog") || document.body).append(peek);
    peek.hidden = false;
    const box = node.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - 120), innerWidth - 248);
    const below = box.bottom + 10;
    const top = below + peek.offsetHeight < innerHeight ? below : Math.max(8, box.top - peek.offsetHeight - 10);
    peek.style.left = `${left}px`;
    peek.style.top = `${top}px`;
  }
}

/* What the next turn sees of a page. */
export const SIGHTS = {
  whole: "remembered whole",
  sink: "remembered around its picture",
  forgotten: "forgotten",
};
