/* The page's own script: sends clicks to Python, keeps the address up to date, remembers the reader's
   stories, scrolls. demo/ decides what is shown. */
(() => {
  const KEY = "seedstory-stories";
  const MOST = 60;
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

  function remember(story) {
    try {
      const ids = [story, ...mine().filter((id) => id !== story)].slice(0, MOST);
      localStorage.setItem(KEY, JSON.stringify(ids));
    } catch {
      /* Private windows may refuse; the address still leads back. */
    }
  }

  function address() {
    const query = new URLSearchParams(location.search);
    return { story: query.get("story") || "", panel: query.get("panel") || "" };
  }

  /* Input of the page's first event: the story in its address and this browser's stories. */
  function arrive() {
    return { ...address(), mine: mine() };
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
    for (const name of ["view", "live"]) body.dataset[name] = state[name] || "";
    for (const name of ["busy", "redraw", "again", "asks", "rewords", "begun"]) {
      body.dataset[name] = state[name] ? "yes" : "";
    }
    if (state.busy || state.panel !== before.panel) body.removeAttribute("data-writing");
    document.title = (state.view === "story" && state.title ? state.title + " · " : "") +
      "SEED-Story Studio";
    const here = address();
    const story = state.view === "story" ? state.story : "";
    const panel = state.view === "story" ? state.panel : "";
    if (story) remember(story);
    const query = new URLSearchParams(location.search);
    story ? query.set("story", story) : query.delete("story");
    panel ? query.set("panel", panel) : query.delete("panel");
    const text = query.toString();
    const url = location.pathname + (text ? "?" + text : "") + location.hash;
    if (!state.stay && (here.story !== story || here.panel !== panel)) {
      // Every panel the reader goes to is a step in the history, so that "back" goes back.
      const step = arrived && (here.story !== story || state.panel !== before.panel);
      history[step ? "pushState" : "replaceState"]({}, "", url);
      tellParent(text);
    }
    const moved = before.view !== state.view || before.story !== state.story ||
      before.panel !== state.panel || (state.live && !before.live);
    if (moved) setTimeout(() => scroll(state, before), 80);
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

  /* Words typed and not yet told survive a reload, also one after a restart of the server. */
  const FIELDS = ["#sentence textarea", "#line textarea"];

  function keepWords() {
    try {
      const words = FIELDS.map((field) => document.querySelector(field)?.value || "");
      sessionStorage.setItem(KEY + "-words", JSON.stringify(words));
    } catch {
      /* As above. */
    }
  }

  function bringWords() {
    let words = [];
    try {
      words = JSON.parse(sessionStorage.getItem(KEY + "-words") || "[]");
    } catch {
      return;
    }
    FIELDS.forEach((name, index) => {
      const field = document.querySelector(name);
      if (!field || field.value || typeof words[index] !== "string" || !words[index]) return;
      field.value = words[index];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  function state(element, trigger, props, watch) {
    window.addEventListener("pagehide", keepWords);
    setTimeout(bringWords, 300);
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

  function toggleOutline() {
    const body = document.body;
    if (body.dataset.outline) body.removeAttribute("data-outline");
    else body.dataset.outline = "yes";
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !composes(event)) document.body.removeAttribute("data-outline");
  });

  window.seedstory = { arrive, withMine, listen, title, state, writeOwn, toggleOutline };
})();
