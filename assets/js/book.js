/* The book: the page that one is at as a spread, or all pages on the way to it below each other. */

import { keep, recall, setSetting, setting } from "./kept.js";

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export class Book {
  /* `act` carries out what a button names, as a click on it would. */
  constructor(story, act) {
    this.story = story;
    this.act = act;
    this.sections = new Map();
    this.panel = null;
    this.view = setting("view", "") === "scroll" ? "scroll" : "book";
  }

  get root() {
    return document.getElementById("pages");
  }

  get current() {
    return this.root?.querySelector(".page-current");
  }

  setView(view) {
    this.view = view;
    setSetting("view", view);
  }

  /* Shows the story at a page; '' is the cover. */
  show(panel) {
    const root = this.root;
    if (!root) return;
    const before = this.panel;
    const ids = this.view === "book" || !panel ? [panel] : this.story.path(panel);
    const update = () => {
      const shown = ids.map((id) => this.section(id)).filter(Boolean);
      if (shown.length !== root.children.length || shown.some((one, at) => one !== root.children[at])) {
        root.replaceChildren(...shown);
      }
      for (const section of shown) {
        section.classList.toggle("page-current", section.dataset.panel === panel);
      }
    };
    this.panel = panel;
    const turns = this.view === "book" && before !== null && before !== panel && root.firstChild;
    if (turns && document.startViewTransition && document.visibilityState === "visible") {
      const way = this.story.path(before || "").includes(panel) || !panel ? "back" : "on";
      document.documentElement.dataset.turn = way;
      const turning = document.startViewTransition(update);
      turning.ready.catch(() => {});
      turning.finished.finally(() => delete document.documentElement.dataset.turn);
    } else {
      update();
    }
    this.fetchAhead(panel);
    this.place(panel);
  }

  /* The element of a page; the one that is shown stays if its page has not changed. */
  section(id) {
    const html = id ? this.story.pages.get(id)?.html : this.story.cover;
    if (!html) return null;
    const known = this.sections.get(id);
    if (known && known.html === html) return known.element;
    const part = document.createElement("template");
    part.innerHTML = html;
    const element = part.content.firstElementChild;
    if (this.sections.size > 400) this.sections.clear();
    this.sections.set(id, { html, element });
    return element;
  }

  /* The next picture is there before its page is turned to. */
  fetchAhead(panel) {
    const next = this.story.pages.get(this.story.next(panel));
    if (next?.image) new Image().src = next.image;
  }

  place(panel) {
    const { trail } = this.story;
    const place = document.querySelector(".turner-place");
    const number = trail.indexOf(panel) + 1;
    if (place) place.textContent = number ? `Page ${number} of ${trail.length}` : `Cover · ${trail.length}`;
    const enable = (name, yes) => {
      const button = document.querySelector(`.turner [data-do=${name}]`);
      if (button) button.disabled = !yes;
    };
    enable("first", number > 1);
    enable("before", number > 0);
    enable("turn", number < trail.length);
    enable("last", number < trail.length);
  }

  /* Scrolls to what shall be seen: the page that is being made, or the one that one is at. */
  scroll(isLive, { smooth = true } = {}) {
    const behavior = smooth && !calm() ? "smooth" : "auto";
    const target = isLive ? document.querySelector("#live .page") : this.current;
    if (this.view === "book") {
      const head = document.querySelector(".story-head");
      if (target && head && (target.getBoundingClientRect().top < 0 || isLive)) {
        head.scrollIntoView({ behavior, block: "start" });
      }
    } else if (target) {
      target.scrollIntoView({ behavior, block: "start" });
    } else {
      window.scrollTo({ top: 0, behavior });
    }
  }

  /* The page's words become a field; what is typed there is kept until the page was told with it. */
  editWords() {
    const page = this.current;
    const caption = page?.querySelector(".caption");
    if (!caption || page.querySelector(".words-editor")) return;
    const panel = page.dataset.panel;
    const editor = document.createElement("div");
    editor.className = "words-editor";
    editor.innerHTML =
      '<textarea rows="3" aria-label="The page\'s new words" dir="auto"></textarea>' +
      '<div><button type="button" class="act primary" data-do="put-words">Tell it with these words</button>' +
      '<button type="button" class="quiet" data-do="leave-words">Leave it as it is</button></div>';
    const field = editor.querySelector("textarea");
    field.value = recall("-draft-" + panel, "") || this.story.text(panel);
    field.addEventListener("input", () => keep("-draft-" + panel, field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.leaveWords();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.act("put-words");
    });
    caption.hidden = true;
    caption.after(editor);
    page.classList.add("page-edited");
    field.focus();
    editor.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
  }

  get words() {
    return this.current?.querySelector(".words-editor textarea")?.value ?? null;
  }

  leaveWords(forget = true) {
    const page = this.current;
    const editor = page?.querySelector(".words-editor");
    if (forget && page) keep("-draft-" + page.dataset.panel, "");
    if (!editor) return;
    const hadFocus = editor.contains(document.activeElement);
    editor.remove();
    page.classList.remove("page-edited");
    page.querySelector(".caption").hidden = false;
    if (hadFocus) document.querySelector(".page-tools [data-do=edit-words]")?.focus();
  }

  /* A swipe turns the page; selecting words or scrolling does not. */
  listenToSwipes() {
    let start = null;
    /* While a page turns, a touch is on the document itself. */
    const isOnBook = (target) => target === document.documentElement ||
      (target.closest("#pages") && !target.closest("textarea, input, .ways"));
    document.addEventListener("touchstart", (event) => {
      const [touch] = event.touches;
      const isFree = event.touches.length === 1 && isOnBook(event.target);
      start = isFree ? { x: touch.clientX, y: touch.clientY } : null;
    }, { passive: true });
    document.addEventListener("touchend", (event) => {
      if (!start) return;
      const [touch] = event.changedTouches;
      const x = touch.clientX - start.x;
      const y = touch.clientY - start.y;
      start = null;
      if (Math.abs(x) < 60 || Math.abs(x) < 2 * Math.abs(y)) return;
      if (!getSelection().isCollapsed) return;
      this.act(x < 0 ? "turn" : "before");
    }, { passive: true });
  }
}
