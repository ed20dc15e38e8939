/* The story as the server wrote it (demo/manuscript.py), and the way that the reader takes. */

export class Story {
  constructor() {
    this.clear();
  }

  clear() {
    this.id = this.seal = this.key = this.title = this.suggested = this.undo = this.redo = this.cover = this.bin = "";
    this.pages = new Map();
    this.places = new Map();
    this.trail = [];
  }

  /* Takes what the server sent; false if it builds on something that this page does not hold. */
  take(change) {
    if (change.base && (change.base !== this.seal || change.story !== this.id)) return false;
    if (!change.base) this.clear();
    const { story, seal, key, title, suggested, undo, redo, cover, bin } = change;
    Object.assign(this, { id: story, seal, key, title, suggested, undo, redo, cover, bin });
    const places = new Map();
    for (const [id, parent, column, row] of change.places) {
      places.set(id, { id, parent, column, row, children: [] });
      places.get(parent)?.children.push(id);
    }
    this.places = places;
    const pages = new Map();
    for (const id of places.keys()) pages.set(id, change.pages[id] || this.pages.get(id));
    this.pages = pages;
    return true;
  }

  has(id) {
    return this.places.has(id);
  }

  get roots() {
    return [...this.places.values()].filter((place) => !place.parent).map((place) => place.id);
  }

  children(id) {
    return id ? this.places.get(id)?.children || [] : this.roots;
  }

  /* Ids of all ways to tell a page, itself among them. */
  siblings(id) {
    return this.has(id) ? this.children(this.places.get(id).parent) : [];
  }

  path(id) {
    const ids = [];
    for (let at = this.places.get(id); at; at = this.places.get(at.parent)) ids.unshift(at.id);
    return ids;
  }

  get leaves() {
    return [...this.places.values()].filter((place) => !place.children.length).map(({ id }) => id);
  }

  get ends() {
    return this.leaves.filter((id) => this.pages.get(id).end);
  }

  /* From here on, pages turn along the way on which this page lies. */
  goTo(id) {
    this.trail = this.trail.filter((one) => this.has(one));
    if (!id || this.trail.includes(id)) {
      if (this.trail.length) this.trail = this.follow(this.trail);
      else this.trail = this.follow([]);
      return;
    }
    this.trail = this.follow(this.path(id));
  }

  /* A way to its end, by the oldest branches. */
  follow(ids) {
    const way = [...ids];
    for (let next = this.children(way.at(-1) || "")[0]; next; next = this.children(next)[0]) way.push(next);
    return way;
  }

  next(id) {
    return this.trail[this.trail.indexOf(id) + 1] || "";
  }

  before(id) {
    return this.places.get(id)?.parent || "";
  }

  /* The caption of a page. */
  text(id) {
    return this.pages.get(id)?.text || "";
  }
}
