/* The page's own scripts: they turn pages, show the map, keep the address up to date, remember the
   reader's stories, and send to Python what only Python can do (demo/handlers.py). */

import { Aloud } from "./aloud.js";
import { Book } from "./book.js";
import { Connection } from "./connection.js";
import * as dialogs from "./dialogs.js";
import { isRefused, keep, mine, recall, remember, setSetting, setting, ticket } from "./kept.js";
import * as language from "./language.js";
import { Memory } from "./lens.js";
import { StoryMap } from "./map.js";
import { Story } from "./story.js";

const NAME = "SEED-Story Studio";
const FIELDS = ["#sentence textarea", "#line textarea"];
/* Acts that ask the storyteller for something. */
const TURNS = ["begin", "go-on", "three-ways", "run", "again", "redraw", "reword", "wish"];

let state = { view: "", story: "", panel: "", steps: 0, seal: "", live: "", at: "", mine: [] };
let parts = null;
let pending = [];
let told = null;
let hasArrived = false;
let maps = [];

const story = new Story();
const book = new Book(story, (name, data) => act(name, data));
const aloud = new Aloud(book, () => turn(), (isReading) => press("read-aloud", isReading));
const memory = new Memory(story);
const connection = new Connection(() => state, (data) => send({ do: "look", ...data }));

const $ = (selector) => document.querySelector(selector);
const root = document.documentElement;

function address() {
  const query = new URLSearchParams(location.search);
  const [story, panel, fork] = ["story", "panel", "fork"].map((name) => query.get(name) || "");
  return { story, panel, fork };
}

/* Talking with Python */

/* Events send the state along as it is here. */
function own(change) {
  state = { ...state, ...change };
  if (parts) parts.state.value = state;
}

const waiting = [];

function send(data) {
  if (!parts) {
    waiting.push(data); // the part that sends is still being made
    return;
  }
  own({ mine: mine(), ticket: ticket() });
  if (TURNS.includes(data.do)) {
    connection.ask();
    document.body.dataset.asked = "yes";
    setTimeout(() => delete document.body.dataset.asked, 1500);
  }
  parts.trigger("click", data);
}

/* Input of the page's first event: the story in its address, this browser's stories, and the turn
   that the page waited for before it was loaded again. */
async function arrive() {
  await bringWords();
  const here = { ...address(), mine: mine(), ticket: ticket() };
  return { ...here, ...(await connection.waitedFor(here.story)) };
}

function keepState(trigger, props, watch) {
  parts = { ...parts, trigger, state: props };
  connection.begin();
  window.addEventListener("pagehide", keepWords);
  document.addEventListener("input", keepWords);
  watch("value", () => receive(props.value));
  // The answer to the page's first event may have come before this part was ready.
  if (props.value.view) receive(props.value);
  waiting.splice(0).forEach(send);
  window.addEventListener("popstate", () => {
    const there = address();
    if (there.story === state.story && there.panel === state.panel) return; // a link within the page
    if (there.story && there.story === story.id && story.has(there.panel)) go(there.panel, { step: false });
    else send(there.story ? { do: "open", ...there } : { do: "start" });
  });
}

function keepStory(props, watch) {
  const take = () => {
    if (!props.value) return;
    pending.push(props.value);
    settle();
  };
  watch("value", take);
  take();
}

function receive(value) {
  if (value === state || JSON.stringify(value) === JSON.stringify(state)) return;
  told = value;
  settle();
}

/* State and story come in any order; both are shown together. */
let settling = 0;

function settle() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    const changes = pending;
    pending = [];
    for (const change of changes) {
      if (change.seal !== story.seal && !story.take(change)) story.seal = "";
    }
    if (!told) return;
    const next = told;
    told = null;
    const before = state;
    // The reader went on while the answer was on its way, and stays there.
    const isElsewhere = next.view === "story" && next.story === before.story &&
      next.steps !== before.steps && story.has(before.panel);
    if (isElsewhere) Object.assign(next, { panel: before.panel, steps: before.steps });
    if (next.view === "story" && (next.story !== story.id || next.seal !== story.seal)) {
      // Something was lost on the way, so everything is asked for.
      state = { ...next, seal: "" };
      parts.state.value = state;
      send({ do: "look", story: next.story, job: next.job });
      return;
    }
    state = next;
    if (isElsewhere) parts.state.value = state;
    connection.answered(state);
    show(before);
  });
}

/* Showing */

function show(before) {
  const { body } = document;
  const isStory = state.view === "story";
  const isMoved = before.view !== state.view || before.story !== state.story;
  const isNew = isMoved || before.panel !== state.panel;
  delete body.dataset.asked;
  story.goTo(state.panel);
  const page = story.pages.get(state.panel);
  const isLive = isStory && state.live && state.at === state.panel;
  body.dataset.view = state.view;
  body.dataset.live = isLive ? state.live : "";
  body.dataset.cover = isStory && !state.panel ? "yes" : "";
  body.dataset.reading = book.view;
  const facts = {
    busy: state.busy,
    begun: state.begun,
    next: isStory && story.next(state.panel),
    redraw: page?.redraw,
    again: page?.again,
    pinned: page?.pinned,
  };
  for (const [name, value] of Object.entries(facts)) body.dataset[name] = value ? "yes" : "";
  if (state.busy || isNew) setWriting(false);
  document.title = (isStory && story.title ? story.title + " · " : "") + NAME;
  if (isStory) showStory(before, isMoved, isLive);
  else showStart();
  keepAddress(before);
  // Its reply may be lost as that of any other click, so it is one.
  if (state.then && !before.then) setTimeout(() => act("go-on"));
  const hasBegun = isLive && !(before.live && before.at === before.panel);
  if (isNew || hasBegun) {
    setTimeout(() => {
      if (isStory) book.scroll(isLive && state.live !== "redraw", { smooth: !isMoved });
      else window.scrollTo({ top: 0 });
    }, 80);
  }
  setTimeout(() => focusAfter(), 120);
  if (before.live && !state.live && isStory && before.story === state.story && isNew) {
    say(`Page ${story.path(state.panel).length} is ready.`);
  }
  hasArrived = connection.hasArrived = true;
}

function showStart() {
  aloud.stop();
  // A copy of a story is one that this browser did not know yet.
  const unknown = state.mine.filter((id) => !mine().includes(id));
  if (unknown.length) remember(...unknown);
}

function showStory(before, isMoved, isLive) {
  remember(state.story);
  if (isRefused()) say("This browser keeps nothing: note the address of your story.");
  if (before.live === "rewrite" && !state.live && before.panel !== state.panel) {
    keep("-draft-" + before.panel, "");
  }
  showTitle();
  if (state.busy) book.leaveWords(false);
  book.show(state.panel);
  if (!state.busy && recall("-draft-" + state.panel, "")) book.editWords();
  const elsewhere = $(".elsewhere");
  if (elsewhere) elsewhere.hidden = !(state.busy && state.live && !isLive);
  drawMaps();
  memory.look(state.panel, (sights) => {
    for (const map of maps) map.sights = sights;
    drawMaps();
    showSight(sights[state.panel]);
  });
  seeEnding();
  if (aloud.isReading && (isMoved || before.panel !== state.panel)) aloud.read();
}

function showTitle() {
  const title = $(".title");
  if (!title) return;
  if (title.textContent !== story.title) title.textContent = story.title;
  for (const [name, what] of [["undo", story.undo], ["redo", story.redo]]) {
    const button = $(`.head-tools [data-do=${name}]`);
    button.disabled = !what;
    const verb = name === "undo" ? "Undo" : "Do again";
    button.title = what ? `${verb}: ${what}` : name === "undo" ? "Nothing to undo" : "Nothing to do again";
  }
  const suggested = $(".title-suggested");
  if (suggested) {
    suggested.hidden = !story.suggested || story.title === story.suggested || !story.title.endsWith("…");
    suggested.textContent = `“${story.suggested}”?`;
    suggested.title = "Take this title, which the tale itself suggests";
  }
  const pin = $(".page-tools [data-do=pin] span");
  if (pin) pin.textContent = document.body.dataset.pinned ? "Let it be forgotten" : "Keep in mind";
}

function drawMaps() {
  if (!maps.length && $("#ribbon")) {
    maps = [
      new StoryMap($("#ribbon"), story, { thumb: 40, fits: false, go }),
      new StoryMap($("#map"), story, { thumb: 64, fits: true, go: select }),
    ];
  }
  const live = state.live && ["turn", "run", "alternatives"].includes(state.live) ? state.at : null;
  const [ribbon, big] = maps;
  ribbon?.draw(state.panel, live);
  // The book takes the room that the ribbon leaves.
  root.style.setProperty("--ribbon", `${$(".ribbon")?.offsetHeight || 0}px`);
  if (big?.root.closest("dialog").open) {
    drawBigMap();
    showSelected();
  }
  const { bin } = story;
  const place = $("#map-dialog .bin");
  if (place && place.dataset.html !== bin) {
    place.innerHTML = bin;
    place.dataset.html = bin;
  }
}

/* How much the storyteller would see of the page that one is at. */
function showSight(sight) {
  const button = $(".page-tools [data-do=lens]");
  if (button && sight) button.dataset.sight = document.body.dataset.pinned ? "pinned" : sight;
}

function drawBigMap() {
  maps[1]?.draw(state.panel, state.live ? state.at : null);
  const { ends, places, leaves } = story;
  const seen = new Set(setting("endings", {})[story.id] || []);
  const found = ends.filter((id) => seen.has(id)).length;
  const facts = [`${places.size} pages`, `${leaves.length} ways`];
  if (ends.length) facts.push(`${found} of ${ends.length} endings read`);
  $(".map-facts").textContent = facts.join(" · ");
}

/* A page that was chosen on the big map shows what can be done with it; chosen twice, it is read. */
let selected = "";

function select(panel) {
  if (selected === panel && !$(".map-detail").hidden) return go(panel);
  selected = panel;
  showSelected();
}

function showSelected() {
  const detail = $(".map-detail");
  const page = story.pages.get(selected);
  if (!detail) return;
  detail.hidden = !page;
  if (!page) return;
  detail.querySelector("img").src = page.image || "data:,";
  detail.querySelector("figcaption").textContent = story.text(selected);
  for (const name of ["go", "star"]) detail.querySelector(`[data-do=${name}]`).dataset.panel = selected;
  detail.querySelector("[data-do=star]").setAttribute("aria-pressed", String(page.star));
  detail.querySelector("[data-do=compare]").hidden = selected === state.panel;
  detail.querySelector("[data-do=go]").hidden = selected === state.panel;
  const name = detail.querySelector(".branch-name");
  if (document.activeElement !== name) name.value = page.name;
}

/* Endings that were read here are counted on the map. */
function seeEnding() {
  if (!story.pages.get(state.panel)?.end) return;
  const kept = setting("endings", {});
  const seen = new Set(kept[story.id] || []);
  if (seen.has(state.panel)) return;
  setSetting("endings", { ...kept, [story.id]: [...seen, state.panel] });
}

function keepAddress(before) {
  const here = address();
  const isStory = state.view === "story";
  const now = { story: isStory ? state.story : "", panel: isStory ? state.panel : "" };
  if (state.stay || (here.story === now.story && here.panel === now.panel)) return;
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(now)) value ? query.set(name, value) : query.delete(name);
  query.delete("fork");
  const text = query.toString();
  // Every page the reader goes to is a step in the history, so that "back" goes back.
  const step = hasArrived && (here.story !== now.story || state.panel !== before.panel);
  try {
    history[step ? "pushState" : "replaceState"]({}, "", location.pathname + (text ? "?" + text : "") + location.hash);
  } catch {
    /* Browsers refuse very many steps in a short time; the next one brings the address along. */
  }
  // On Hugging Face the page is in a frame; the outer address shall name the story as well.
  if (window.parent !== window) window.parent.postMessage({ queryString: text }, "https://huggingface.co");
}

/* Where the eye goes, the keyboard goes: a button that was pressed may be gone after its act. */
function focusAfter() {
  const active = document.activeElement;
  const isLost = !active || active === document.body || active.offsetParent === null;
  if (!isLost || state.view !== "story" || dialogs.isOpen()) return;
  (state.busy ? $("#stop") : book.current)?.focus({ preventScroll: true });
}

/* One permanent place for what a screen reader shall say. */
function say(text) {
  const said = $("#said");
  if (said) setTimeout(() => (said.textContent = text), 100);
}

function press(name, isPressed) {
  for (const button of document.querySelectorAll(`[data-do=${name}]`)) {
    button.setAttribute("aria-pressed", String(isPressed));
  }
}

/* Going about */

function go(panel, { step = true } = {}) {
  if (panel === state.panel || (panel && !story.has(panel))) return;
  const before = state;
  own({ panel, steps: state.steps + 1, stay: !step });
  dialogs.close();
  show(before);
  own({ stay: false });
}

function turn() {
  const next = story.next(state.panel);
  if (next) go(next);
  return Boolean(next);
}

function sibling(by) {
  const ways = story.siblings(state.panel);
  const next = ways[ways.indexOf(state.panel) + by];
  if (next) go(next);
  return Boolean(next);
}

/* The next ending that was not read here yet. */
function otherEnding() {
  const seen = new Set(setting("endings", {})[story.id] || []);
  const others = [...story.ends, ...story.leaves].filter((id) => id !== state.panel);
  const next = others.find((id) => !seen.has(id)) || others[0];
  if (!next) {
    say("There is no other ending yet. Go back to a page, and try another way.");
    return;
  }
  // The page before the two ways part, so that one sees where the other begins.
  const here = new Set(story.path(state.panel));
  const fork = story.path(next).filter((id) => here.has(id)).at(-1) || "";
  story.goTo(next);
  go(fork);
}

function setWriting(isWriting) {
  const { body } = document;
  if (Boolean(body.dataset.writing) === isWriting) return;
  if (isWriting) body.dataset.writing = "yes";
  else delete body.dataset.writing;
  $("#write-own")?.setAttribute("aria-expanded", String(isWriting));
  if (isWriting) setTimeout(() => $("#line textarea")?.focus(), 50);
}

function setMore(isOpen) {
  const more = $("#more-acts");
  if (!more) return;
  more.hidden = !isOpen;
  $("#more")?.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) setTimeout(() => more.querySelector("input")?.focus(), 50);
}

function setLight(light) {
  root.dataset.light = light;
  press("light", light === "lamp");
}

const LOCAL = {
  go: ({ panel }) => go(panel),
  turn: () => state.view === "story" && turn(),
  before: () => state.view === "story" && state.panel && go(story.before(state.panel)),
  first: () => go(story.trail[0]),
  last: () => go(story.trail.at(-1)),
  watch: () => go(state.at),
  "other-ending": otherEnding,
  "write-own": () => setWriting(!document.body.dataset.writing),
  more: () => setMore($("#more-acts")?.hidden),
  wish: () => {
    const words = $("#hint")?.value || "";
    if (words.trim()) send({ do: "go-on", words });
  },
  run: () => {
    setMore(false);
    send({ do: "run", count: $("#num-pages")?.value || "5", words: $("#hint")?.value || "" });
  },
  "edit-words": () => book.editWords(),
  "leave-words": () => book.leaveWords(),
  "put-words": () => send({ do: "reword", words: book.words || "" }),
  "other-picture": () => $("#repaint input, input#repaint, #repaint button, button#repaint")?.click(),
  "edit-title": editTitle,
  "edit-spine": (data, target) => editSpine(target.closest(".spine")),
  "bring-story": () => $("#bring-story input, input#bring-story, #bring-story button, button#bring-story")?.click(),
  "read-aloud": () => aloud.toggle(),
  view: () => {
    book.setView(book.view === "book" ? "scroll" : "book");
    document.body.dataset.reading = book.view;
    press("view", book.view === "scroll");
    book.show(state.panel);
    setTimeout(() => book.scroll(false, { smooth: false }), 50);
  },
  full: () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.().catch(() => {});
  },
  light: () => {
    setLight(root.dataset.light === "lamp" ? "day" : "lamp");
    setSetting("light", root.dataset.light);
  },
  map: () => {
    dialogs.open("map");
    selected = state.panel;
    showSelected();
    drawBigMap();
  },
  lens: ({ panel }) => memory.show(panel || state.panel, state.panel),
  policy: (data) => {
    send({ do: "policy", name: data.name });
    dialogs.close();
  },
  "take-title": () => send({ do: "rename", title: story.suggested }),
  take: () => dialogs.take(story, state.panel || story.trail.at(-1)),
  "copy-link": () => dialogs.copyLink().then(() => say("Copied.")),
  keys: () => dialogs.open("keys"),
  close: () => dialogs.close(),
  compare: () => dialogs.compare(story, selected, state.panel),
  dismiss: (data, target) => {
    target.closest(".notice").hidden = true;
    send({ do: "dismiss" }); // so that the same notice is shown when it comes again
  },
  clear: () => {},
};

/* Carries out what a button names. */
function act(name, data = {}, target = null) {
  const isTurn = TURNS.includes(name);
  if (isTurn && (state.busy || document.body.dataset.asked)) return;
  if (LOCAL[name]) LOCAL[name](data, target);
  else send({ do: name, ...data });
}

/* Clicks on anything with data-do; those that need a field of the form go by their own part. */
document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-do]");
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  if (target.closest("#shelf, #slot") && !["begin"].includes(target.dataset.do)) return;
  event.preventDefault();
  if (target.disabled) return;
  act(target.dataset.do, { ...target.dataset }, target);
});

/* Of the shelf and the first page: they read the sentence in the form. */
function listen(element, trigger) {
  element.addEventListener("click", (event) => {
    const target = event.target.closest("[data-do]");
    if (!target || target.dataset.do === "begin" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    trigger("click", { ...target.dataset });
  });
}

/* A click on the words of the page that one is at edits them, and one on an earlier page goes there. */
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || state.busy || state.view !== "story") return;
  const page = event.target.closest?.("#pages > .page");
  if (!page) return;
  const isCurrent = page.classList.contains("page-current");
  if (isCurrent && event.target.closest(".caption") && getSelection().isCollapsed) book.editWords();
  else if (!isCurrent && event.target.closest(".frame")) go(page.dataset.panel);
});

/* The Gradio buttons that ask for a turn. */
document.addEventListener("click", (event) => {
  if (event.target.closest?.("#begin, #write")) connection.ask();
});

/* The title */

/* Whether a key belongs to an input method, whose Enter and Escape choose a candidate. Safari
   ends the composition first and leaves only the code. */
const composes = (event) => event.isComposing || event.keyCode === 229;

function editTitle() {
  const input = $(".title-input");
  $(".title-bar").classList.add("editing");
  input.value = story.title;
  input.focus();
  input.select();
}

function leaveTitle(input, isKept) {
  const bar = $(".title-bar");
  if (!bar.classList.contains("editing")) return;
  bar.classList.remove("editing");
  if (isKept && input.value !== story.title) send({ do: "rename", title: input.value });
  $(".title-bar [data-do=edit-title]")?.focus();
}

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.(".title-input")) leaveTitle(event.target, true);
});

function editSpine(spine) {
  const [input, link] = [spine.querySelector(".spine-title"), spine.querySelector(".spine-open")];
  input.hidden = false;
  link.style.display = "none";
  input.focus();
  input.select();
  const leave = (isKept) => {
    if (input.hidden) return;
    input.hidden = true;
    link.style.display = "";
    if (isKept && input.value !== input.defaultValue) {
      send({ do: "rename-story", story: spine.dataset.story, title: input.value });
    }
  };
  input.onblur = () => leave(true);
  input.onkeydown = (event) => {
    if (composes(event)) return;
    if (event.key === "Escape") leave(false);
    if (event.key === "Enter") leave(true);
  };
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "story-search") return;
  const asked = event.target.value.trim().toLowerCase();
  for (const spine of document.querySelectorAll(".spine")) {
    spine.hidden = !spine.textContent.toLowerCase().includes(asked);
  }
});

/* Keys */

const KEYS = {
  ArrowRight: () => turn(),
  " ": () => turn(),
  ArrowLeft: () => act("before"),
  ArrowUp: () => sibling(-1),
  ArrowDown: () => sibling(1),
  Home: () => act("first"),
  End: () => act("last"),
  a: () => act("read-aloud"),
  v: () => act("view"),
  f: () => act("full"),
  m: () => act("map"),
  "?": () => act("keys"),
};

function chooseWay(number) {
  book.current?.querySelectorAll(".ways .way")[number - 1]?.click();
}

document.addEventListener("keydown", (event) => {
  if (composes(event)) return;
  if (event.target.matches?.(".title-input")) {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault(); // or Enter would press the button that gets the focus
    leaveTitle(event.target, event.key === "Enter");
    return;
  }
  if (event.key === "Escape") {
    aloud.stop();
    setMore(false);
  }
  const isField = event.target.closest?.("input, textarea, select, [contenteditable]");
  const isControl = isField || event.target.closest?.("button, a, summary, [role=slider], [role=tree]");
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (state.view !== "story" || dialogs.isOpen()) return;
  if (!isPlain && !isField && !event.altKey) return turnBack(event);
  if (isField || !isPlain) return;
  if (event.shiftKey && event.key !== "?") return;
  const isSign = event.key.length === 1 && event.key !== " ";
  if (isControl && !isSign) return;
  if (/^[1-9]$/.test(event.key)) return chooseWay(Number(event.key));
  const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

/* Undo and redo, but not of what is typed in a field. */
function turnBack(event) {
  const key = event.key.toLowerCase();
  const what = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
  if (!what || state.busy || !story[what]) return;
  event.preventDefault();
  send({ do: what });
}

/* Words that were typed and not sent survive a reload. */

let areBrought = false;

function keepWords() {
  if (areBrought) keep("-words", FIELDS.map((field) => $(field)?.value || ""));
}

/* Resolves when the fields are there and have the words that were typed before a reload. */
async function bringWords() {
  const words = recall("-words", []);
  for (let wait = 0; wait < 40 && !FIELDS.every((name) => $(name)); wait++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  FIELDS.forEach((name, index) => {
    const field = $(name);
    if (!field || field.value || typeof words[index] !== "string" || !words[index]) return;
    field.value = words[index];
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (name.startsWith("#line")) document.body.dataset.writing = "yes";
  });
  areBrought = true;
  beginParts();
}

/* What can only be done once Gradio has made the parts. */
function beginParts() {
  setLight(root.dataset.light || "day");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => {
    if (!setting("light", "")) setLight(matches ? "lamp" : "day");
  });
  book.listenToSwipes();
  press("view", book.view === "scroll");
  press("read-aloud", false);
  $("#map-search")?.addEventListener("input", (event) => {
    const found = maps[1]?.search(event.target.value);
    if (found) say(`${found.size} pages found.`);
  });
  $(".branch-name")?.addEventListener("change", (event) => {
    send({ do: "name", panel: selected, name: event.target.value });
  });
  $("#more-acts")?.addEventListener("submit", (event) => event.preventDefault());
}

language.begin();
window.seedstory = { arrive, keepState, keepStory, listen, story };
