/* The page's own script: sends clicks to Python, keeps the address up to date, remembers the reader's
   stories, scrolls. demo/ decides what is shown. */
(() => {
  const KEY = "seedstory-stories";
  const WORDS = KEY + "-words";
  const TURN = KEY + "-turn";
  const MOST = 60;
  const TICKET = KEY + "-ticket";
  let current = { view: "", story: "", panel: "", live: "" };
  let arrived = false;
  let send = () => {};

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function mine() {
    try {
      const ids = JSON.parse(localStorage.getItem(KEY) || "[]");
      return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
    } catch {
      return [];
    }
  }

  /* What only this tab knows survives a reload, also one after a restart of the server. */
  function keep(key, value) {
    try {
      sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      /* As below. */
    }
  }

  function recall(key, without) {
    try {
      return JSON.parse(sessionStorage.getItem(key)) || without;
    } catch {
      return without;
    }
  }

  function remember(story) {
    try {
      const ids = [story, ...mine().filter((id) => id !== story)].slice(0, MOST);
      localStorage.setItem(KEY, JSON.stringify(ids));
    } catch {
      /* Private windows may refuse; the address still leads back. */
    }
  }

  /* By this the page asks for a story that it has begun and was not told of; nobody else knows it. */
  function ticket() {
    const made = () => [...crypto.getRandomValues(new Uint8Array(16))].join("-");
    const mine = recall(TICKET, "") || made();
    keep(TICKET, mine);
    return mine;
  }

  function address() {
    const query = new URLSearchParams(location.search);
    return { story: query.get("story") || "", panel: query.get("panel") || "" };
  }

  /* Input of the page's first event: the story in its address, this browser's stories, and the turn
     that the page waited for before it was loaded again. */
  async function arrive() {
    await bringWords();
    const here = { ...address(), mine: mine(), ticket: ticket() };
    const kept = recall(TURN, {});
    if ((kept.story || "") !== here.story) return here;
    asked = kept.asked || 0;
    seen = kept.seen || "";
    if (kept.job) return { ...here, job: kept.job, due: kept.due, live: kept.live };
    const turn = asked ? await latest(here.story || here.ticket) : null;
    return turn && isMissed(turn) ? { ...here, story: turn.story, job: turn.job } : here;
  }

  function withMine(state) {
    return { ...state, mine: mine() };
  }

  /* Clicks on anything with data-do go to Python, with all its data-* values. */
  function listen(element, trigger) {
    element.addEventListener("click", (event) => {
      const target = event.target.closest("[data-do]");
      if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (target.dataset.do === "dismiss") target.closest(".notice").hidden = true;
      document.body.removeAttribute("data-outline");
      trigger("click", { ...target.dataset });
    });
  }

  /* Whether a key belongs to an input method, whose Enter and Escape choose a candidate. Safari
     ends the composition first and leaves only the code. */
  const composes = (event) => event.isComposing || event.keyCode === 229;

  /* The title turns into a field and back. */
  function title(element, trigger) {
    const bar = () => element.querySelector(".title-bar");
    const leave = () => bar() && bar().classList.remove("editing");
    element.addEventListener("click", (event) => {
      const turns = event.target.closest("[data-do=undo], [data-do=redo]");
      if (turns) trigger("click", { do: turns.dataset.do });
      if (!event.target.closest("[data-do=edit-title]")) return;
      bar().classList.add("editing");
      const input = element.querySelector(".title-input");
      input.value = element.querySelector(".title").textContent;
      input.focus();
      input.select();
    });
    element.addEventListener("keydown", (event) => {
      if (!event.target.matches(".title-input") || composes(event)) return;
      if (event.key === "Escape") {
        event.target.dataset.cancelled = "yes";
        leave();
      }
      if (event.key === "Enter") event.target.blur();
    });
    element.addEventListener("focusout", (event) => {
      if (!event.target.matches(".title-input")) return;
      const cancelled = event.target.dataset.cancelled;
      delete event.target.dataset.cancelled;
      leave();
      const now = element.querySelector(".title").textContent;
      if (!cancelled && event.target.value !== now) {
        trigger("click", { do: "rename", title: event.target.value });
      }
    });
  }

  function show(state) {
    const body = document.body;
    const before = current;
    current = state;
    for (const name of ["view", "live", "next"]) body.dataset[name] = state[name] || "";
    for (const name of ["busy", "redraw", "again", "rewords", "begun"]) {
      body.dataset[name] = state[name] ? "yes" : "";
    }
    if (state.busy || state.panel !== before.panel) body.removeAttribute("data-writing");
    document.title = (state.view === "story" && state.title ? state.title + " · " : "") +
      "SEED-Story Studio";
    const here = address();
    const story = state.view === "story" ? state.story : "";
    const panel = state.view === "story" ? state.panel : "";
    if (story) remember(story);
    const { job, due, live } = state;
    seen = job || seen;
    asked = 0;
    keep(TURN, { story, job, due, live, seen, asked });
    heard();
    const query = new URLSearchParams(location.search);
    story ? query.set("story", story) : query.delete("story");
    panel ? query.set("panel", panel) : query.delete("panel");
    const text = query.toString();
    const url = location.pathname + (text ? "?" + text : "") + location.hash;
    if (!state.stay && (here.story !== story || here.panel !== panel)) {
      // Every panel the reader goes to is a step in the history, so that "back" goes back.
      const step = arrived && (here.story !== story || state.panel !== before.panel);
      try {
        history[step ? "pushState" : "replaceState"]({}, "", url);
      } catch {
        /* Browsers refuse very many steps in a short time; the next one brings the address along. */
      }
      tellParent(text);
    }
    // Its reply may be lost as that of any other click, so it is one.
    if (state.then && !before.then) setTimeout(() => document.querySelector("#go-on")?.click());
    const moved = before.view !== state.view || before.story !== state.story ||
      before.panel !== state.panel || (state.live && !before.live);
    if (moved) setTimeout(() => scroll(state, before), 80);
    setTimeout(() => focusAfter(state, before), 120);
    if (before.live && !state.live && state.view === "story") {
      setTimeout(() => say(`Page ${document.querySelectorAll(".book > .page").length} is ready.`), 120);
    }
    arrived = true;
  }

  /* On Hugging Face the page is in a frame; the outer address shall name the story as well. */
  function tellParent(queryString) {
    if (window.parent !== window) {
      window.parent.postMessage({ queryString }, "https://huggingface.co");
    }
  }

  function scroll(state, before) {
    const behavior = calm() || before.view !== state.view ? "auto" : "smooth";
    if (state.view === "start") {
      window.scrollTo({ top: 0, behavior });
      return;
    }
    const target = ["turn", "alternatives"].includes(state.live)
      ? document.querySelector("#live .page")
      : document.getElementById("page-" + state.panel);
    if (target) target.scrollIntoView({ behavior, block: "start" });
    else window.scrollTo({ top: 0, behavior });
    const node = document.querySelector("#outline .node-here");
    const tree = document.querySelector("#outline .tree");
    if (node && tree) {
      tree.scrollTo({ top: node.offsetTop - tree.clientHeight / 2, behavior });
    }
  }

  const FIELDS = ["#sentence textarea", "#line textarea", "#new-words textarea"];

  let brought = false;

  function keepWords() {
    if (brought) keep(WORDS, FIELDS.map((field) => document.querySelector(field)?.value || ""));
  }

  /* Resolves when the fields are there and have the words that were typed before a reload. */
  async function bringWords() {
    const words = recall(WORDS, []);
    for (let wait = 0; wait < 40 && !FIELDS.every((name) => document.querySelector(name)); wait++) {
      await pause(50);
    }
    FIELDS.forEach((name, index) => {
      const field = document.querySelector(name);
      if (!field || field.value || typeof words[index] !== "string" || !words[index]) return;
      field.value = words[index];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    brought = true;
  }

  /* What became of a turn reaches the page by a chain of replies, and any of them may be lost: by a
     gateway, or with the connection. So a page that waits and hears nothing asks the server, shows
     what it missed by the same events as ever, and if even those are dead, loads itself again. */
  const TICK = 1000;
  const QUIET = 3000;
  const PATIENCE = 10000;
  const LONGEST = 60000;
  const MOST_RELOADS = 3;
  const ASKS = "#begin, #go-on, #write, #three-ways, #again, #redraw, #put-words, #stop";
  let asked = 0;
  let seen = "";
  let last = { time: Date.now(), version: "" };
  let missed = 0;
  let looked = 0;

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  function heard() {
    last.time = Date.now();
    missed = looked = 0;
  }

  /* The latest turn of a story, or of this page's ticket; null without a connection. */
  async function latest(key) {
    try {
      const reply = await fetch(`turns/${encodeURIComponent(key)}`, {
        cache: "no-store",
        signal: AbortSignal.timeout(8000),
      });
      return reply.ok ? await reply.json() : null;
    } catch {
      return null;
    }
  }

  /* Whether a click that was not answered has begun this turn. */
  function isMissed(turn) {
    return turn.job && turn.job !== seen && turn.age * 1000 <= Date.now() - asked + TICK;
  }

  async function tick() {
    const version = document.querySelector("#live [data-version]")?.dataset.version || "";
    if (version !== last.version) {
      last.version = version;
      heard();
    }
    if (Date.now() - asked > LONGEST) asked = 0;
    const waits = current.busy || asked;
    if (!waits || Date.now() - last.time < QUIET || (asked && Date.now() - asked < QUIET)) return;
    const turn = await latest(current.story || current.ticket);
    if (!turn || (!current.busy && !isMissed(turn))) return;
    if (current.busy && turn.job === current.job && !turn.ended && String(turn.version) === version) {
      return heard(); /* Nothing happened meanwhile. */
    }
    missed += 1;
    if (missed === 2) {
      looked = Date.now();
      send({ do: "look", job: turn.job, story: turn.story || "" });
    } else if (looked && Date.now() - looked > PATIENCE) {
      loadAgain(turn.job);
    }
  }

  /* At most a few times for one turn. */
  function loadAgain(job) {
    const reloads = recall(TURN + "-reloads", {});
    const count = reloads.job === job ? reloads.count + 1 : 1;
    if (count > MOST_RELOADS) return;
    keep(TURN + "-reloads", { job, count });
    location.reload();
  }

  /* Without the answer to its first event the page shows nothing, and that may be lost, too. */
  async function seeThatItArrives() {
    while (!arrived) {
      await pause(2 * PATIENCE);
      if (!arrived && (await latest(ticket()))) loadAgain("");
    }
  }

  async function watchOver() {
    for (;;) {
      await Promise.race([pause(TICK), new Promise((resolve) => (wake = resolve))]);
      await tick();
    }
  }

  let wake = () => {};

  /* Back from sleep, from another window or on line again: what was missed is shown at once. */
  function back() {
    if (document.visibilityState === "hidden") return;
    last.time = 0;
    wake();
  }

  function state(element, trigger, props, watch) {
    window.addEventListener("pagehide", keepWords);
    document.addEventListener("input", keepWords);
    document.addEventListener("click", (event) => {
      if (!event.target.closest(ASKS)) return;
      asked = Date.now();
      keep(TURN, { ...recall(TURN, {}), asked });
    });
    for (const sign of ["online", "pageshow"]) window.addEventListener(sign, back);
    document.addEventListener("visibilitychange", back);
    watchOver();
    seeThatItArrives();
    send = (what) => trigger("click", what);
    watch("value", () => show(props.value));
    // The answer to the page's first event may have come before this part was ready.
    if (props.value.view) show(props.value);
    window.addEventListener("popstate", () => {
      const { story, panel } = address();
      if (story === current.story && panel === current.panel) return;
      send(story ? { do: "open", story, panel } : { do: "start" });
    });
  }

  function writeOwn() {
    const body = document.body;
    if (body.dataset.writing) {
      body.removeAttribute("data-writing");
      return;
    }
    body.dataset.writing = "yes";
    setTimeout(() => document.querySelector("#line textarea")?.focus(), 50);
  }

  /* Clicks the first of these that can be clicked. */
  function press(...selectors) {
    const buttons = selectors.map((one) => document.querySelector(one));
    const button = buttons.find((one) => one && !one.disabled && one.offsetParent !== null);
    button?.click();
    return Boolean(button);
  }

  const turnPage = () => current.next && send({ do: "go", panel: current.next });

  /* Left and right turn pages, up and down choose among the ways that lead on from the page before. */
  const KEYS = {
    ArrowRight: () => press("#turn-page"),
    " ": () => press("#turn-page"),
    ArrowLeft: () => press(".book > .page:nth-last-of-type(2) [data-do=go].frame"),
    ArrowUp: () => press(".page-current .arrows [data-panel]:first-child"),
    ArrowDown: () => press(".page-current .arrows [data-panel]:last-child"),
  };

  document.addEventListener("keydown", (event) => {
    const inside = event.target.closest?.("input, textarea, select, button, a, summary, [role=slider]");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (inside || !isPlain || composes(event) || current.view !== "story" || current.busy) return;
    if (KEYS[event.key]?.()) event.preventDefault();
  });

  /* Where the eye goes, the keyboard goes: a button that was pressed may be gone after its act. */
  function focusAfter(state, before) {
    const active = document.activeElement;
    const isLost = !active || active === document.body || active.offsetParent === null;
    if (!isLost || !arrived || state.view !== "story") return;
    const goes = state.rewords && !before.rewords ? "#new-words textarea"
      : before.rewords && !state.rewords && !state.busy ? "#reword"
        : state.busy ? "#stop" : ".book > .page-current";
    document.querySelector(goes)?.focus({ preventScroll: !state.rewords });
  }

  /* One permanent place for what a screen reader shall say. */
  function say(text) {
    const said = document.getElementById("said");
    if (said && text) said.textContent = text;
  }

  function toggleOutline() {
    const body = document.body;
    if (body.dataset.outline) body.removeAttribute("data-outline");
    else body.dataset.outline = "yes";
  }

  /* Undo and redo, but not of what is typed in a field. */
  document.addEventListener("keydown", (event) => {
    const isField = event.target.closest?.("input, textarea, [contenteditable]");
    if (!(event.ctrlKey || event.metaKey) || event.altKey || isField || composes(event)) return;
    const key = event.key.toLowerCase();
    const what = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
    const button = what && document.querySelector(`.title-bar [data-do=${what}]:enabled`);
    if (!button || current.busy) return;
    event.preventDefault();
    button.click();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !composes(event)) document.body.removeAttribute("data-outline");
  });

  window.seedstory = { arrive, withMine, listen, title, state, writeOwn, toggleOutline, turnPage };
})();
